// A product's file appears whole or not at all.
#include "cli/product_stream.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>

#include "base/error.h"

namespace tenfold::cli {
namespace {

namespace fs = std::filesystem;

TEST_CASE("a file appears at commit and not before, and a stream left alone leaves no trace") {
  std::string name = (fs::temp_directory_path() / "tenfold-product-XXXXXX").string();
  const fs::path folder = mkdtemp(name.data());
  const fs::path file = folder / "out.csv";
  write_file_atomic(file, "earlier");
  {
    ProductStream product(file.string());
    product.stream() << "number\n" << 1 << '\n';
    for (int i = 0; i < 300000; ++i) product.stream() << i << '\n';  // more than is held back
    CHECK(read_file(file) == "earlier");
  }
  CHECK(read_file(file) == "earlier");
  {
    ProductStream product(file.string());
    product.stream() << "number\n" << 1 << '\n';
    product.commit();
  }
  CHECK(read_file(file) == "number\n1\n");
  CHECK(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 1);
  CHECK_THROWS_AS(ProductStream((folder / "no-such-folder" / "x").string()), Error);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace tenfold::cli
