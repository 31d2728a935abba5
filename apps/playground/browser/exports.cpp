// What a page's script can call, and what becomes of an error there. A WebAssembly module shares its memory with the
// script, which writes a request into it and reads the answer out of it.
#include <tare/apps/playground/requests.h>

#include <cstdlib>
#include <exception>
#include <typeinfo>

namespace {

std::string request, request_bytes;
tare::Answer reply;

}  // namespace

extern "C" {

// Throws in the script, as an Error with this text, and so leaves all functions of this module at once.
[[noreturn]] __attribute__((import_module("page"), import_name("fail"))) void fail(const char* text);

// What `throw` calls. Nothing is caught in here: destructors do not run and memory is lost, which is what a wrong input
// costs. Everything that is thrown here is a std::exception, which stands first in it.
[[noreturn]] void __cxa_throw(void* thrown, std::type_info*, void (*)(void*)) {
  fail(static_cast<const std::exception*>(thrown)->what());
}

void* __cxa_allocate_exception(std::size_t size) noexcept { return std::malloc(size); }

[[clang::export_name("request")]] char* request_text(std::size_t size) {
  request.resize(size);
  return request.data();
}

[[clang::export_name("request_bytes")]] char* request_data(std::size_t size) {
  request_bytes.resize(size);
  return request_bytes.data();
}

[[clang::export_name("answer")]] void answer() { reply = tare::answer(request, request_bytes); }

[[clang::export_name("answer_text")]] const char* answer_text() { return reply.json.data(); }
[[clang::export_name("answer_text_size")]] std::size_t answer_text_size() { return reply.json.size(); }
[[clang::export_name("answer_bytes")]] const char* answer_data() { return reply.bytes.data(); }
[[clang::export_name("answer_bytes_size")]] std::size_t answer_data_size() { return reply.bytes.size(); }

}  // extern "C"
