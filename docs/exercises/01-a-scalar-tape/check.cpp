using namespace exercise;

int main() {
  return run([] {
    {
      ScalarTape t;
      const int a = t.input(2), b = t.input(-3), c = t.input(10);
      const int product = t.mul(a, b), y = t.add(product, c);
      t.backward(y);
      expect("y = a b + c: dy/dy", t.grad(y), 1);
      expect("y = a b + c at a = 2, b = -3: dy/dc", t.grad(c), 1);
      expect(
          "y = a b + c at a = 2, b = -3: dy/da", t.grad(a), -3,
          {{number(2), "That is dy/db: the derivative of a product by one factor is the other one."},
           {number(0),
            "Nothing has arrived at a. Are both operands given their share? And are the places visited from the last "
            "to the first? A place must be complete before it gives."}});
      expect("y = a b + c at a = 2, b = -3: dy/db", t.grad(b), 2,
             {{number(0), "Nothing has arrived at b. Are both operands given their share?"}});
    }
    {
      ScalarTape t;
      const int x = t.input(3), y = t.mul(x, x);
      t.backward(y);
      expect("y = x x at x = 3: dy/dx", t.grad(x), 6,
             {{number(3),
               "x is used twice, as the left and as the right factor, and one of the two contributions was lost. "
               "Contributions to the same place are added: += instead of =."}});
    }
    {
      ScalarTape t;
      const int x = t.input(0.5), s = t.sin(x), e = t.exp(s), y = t.add(t.mul(e, s), x);
      t.backward(y);
      const double sin = std::sin(0.5), right = std::exp(sin) * (1 + sin) * std::cos(0.5) + 1;
      expect("y = e^s s + x with s = sin x at x = 0.5 (x and s are used twice): dy/dx", t.grad(x), right,
             {{number(1),
               "Only the path straight from x to y has arrived. When a node passes its gradient on, its own must be "
               "complete: the places have to be visited from the last to the first."},
              {number(std::exp(sin) * std::cos(0.5) + 1), "The path from s through e^s to y is missing."},
              {number(std::exp(sin) * (1 + sin) * std::cos(0.5)), "The path straight from x to y is missing."}});
    }
    {
      ScalarTape t;
      const int x = t.input(2), unused = t.exp(x), y = t.mul(x, x), later = t.sin(x);
      t.backward(y);
      expect("a value that y does not depend on: its gradient", t.grad(unused) + t.grad(later), 0);
      expect("y = x x, with other values around it: dy/dx", t.grad(x), 4);
    }
    return "Reverse order, and +=: that is all of reverse-mode differentiation. core/tape.cpp does no more.";
  });
}
