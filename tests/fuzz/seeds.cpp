// Writes the files that fuzzing starts from, one folder per target:   fuzz_seeds FOLDER
#include <tare/core/machine/file.h>
#include "tests/datasets/format_testing.h"

#include <fmt/format.h>

using namespace tare::testing;

namespace {

void write(const std::filesystem::path& folder, const std::vector<std::string>& files) {
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < files.size(); ++i) tare::write_file(folder / fmt::format("seed-{}", i), files[i]);
}

std::vector<std::string> pngs() {
  std::vector<std::string> files;
  const std::string palette = png_chunk("PLTE", std::string(6, '\x7f') + "abc");
  for (const auto& [color, depths] : std::vector<std::pair<int, std::vector<int>>>{
           {0, {1, 2, 4, 8, 16}}, {2, {8, 16}}, {3, {1, 2, 4, 8}}, {4, {8, 16}}, {6, {8, 16}}}) {
    for (const int depth : depths) {
      for (const int interlace : {0, 1}) {
        const PngHeader header{.width = 5, .height = 6, .depth = depth, .color = color, .interlace = interlace};
        const auto most = color == 3 ? 2u : 1u << depth;
        const auto sample = [=](std::uint32_t i, std::uint32_t j, int c) {
          return (7 * i + 5 * j + static_cast<std::uint32_t>(c)) % most;
        };
        files.push_back(png_file(header, sample, color == 3 ? palette + png_chunk("tRNS", "\x01\x80") : ""));
      }
    }
  }
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  const std::string images = images_file(3), labels = labels_file({3, 1, 2});
  write(folder / "csv", {"a,b,kind\n1,2.5,x\n-3e2,+.5,\"y\"\n",
                         "\xef\xbb\xbfsep=;\r\na;label;b\r\n1,5;7;2\r\n2;10;0\r\n", "a b\t\"c\"\"d\"\n1\t\"x\"\n\n"});
  write(folder / "idx",
        {images, labels, gzip(images), gzip(labels), gzip(images.substr(0, 20)) + gzip(images.substr(20))});
  std::vector<std::string> pictures = pngs();
  pictures.insert(pictures.end(),
                  {"P2 3 1 15 0 7 15\n", "P2\n# c\n1 2\n65535\n7 8", "P5 2 2 255\nabcd", "P5 1 2 300 \1\2\1\1"});
  write(folder / "image", pictures);
  const std::string b = R"("b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]})", data(16, '\1');
  write(folder / "safetensors",
        {safetensors_file("{}", ""),
         safetensors_file(R"({"__metadata__":{"tensors_crc32":"00000000","k":"\u00e9"}})", ""),
         safetensors_file(R"({"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)" + b + "}   ", data),
         safetensors_file(R"({"a":{"dtype":"F64","shape":[1,1],"data_offsets":[0,8]},)" + b + "}", data)});
}
