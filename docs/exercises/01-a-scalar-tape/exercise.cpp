// A tape for numbers. A place is the index of a node; operands stand before what is computed from them.
struct Node {
  double value;
  int a = -1, b = -1;     // places of the operands; -1: none
  double da = 0, db = 0;  // the local derivatives d value / d a, d value / d b
  double grad = 0;        // d result / d value, once backward() has run
};

struct ScalarTape {
  std::vector<Node> nodes;

  double value(int place) const { return nodes[place].value; }
  double grad(int place) const { return nodes[place].grad; }

  int input(double x) { return push({x}); }
  int add(int a, int b) { return push({value(a) + value(b), a, b, 1, 1}); }
  int mul(int a, int b) { return push({value(a) * value(b), a, b, value(b), value(a)}); }
  int sin(int a) { return push({std::sin(value(a)), a, -1, std::cos(value(a))}); }
  int exp(int a) { return push({std::exp(value(a)), a, -1, std::exp(value(a))}); }

  // Leaves d result / d v in the grad of every place v.
  void backward(int result) {
    // Gap.
  }

 private:
  int push(const Node& node) {
    nodes.push_back(node);
    return static_cast<int>(nodes.size()) - 1;
  }
};
