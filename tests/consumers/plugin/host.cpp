#include <dlfcn.h>

int main(int, char** argv) {
  void* plugin = dlopen(argv[1], RTLD_NOW);
  if (plugin == nullptr) return 1;
  const auto answer = reinterpret_cast<double (*)()>(dlsym(plugin, "answer"));
  return answer != nullptr && answer() == 42 ? 0 : 1;
}
