#include "cli/product_stream.h"

#include "cli/standard_output.h"

namespace tenfold::cli {
namespace {

constexpr std::size_t kHeldBack = std::size_t{1} << 20;  // bytes

}  // namespace

ProductStream::ProductStream(const std::optional<std::string>& file) : stream_(nullptr) {
  if (file && *file != "-") file_.emplace(*file);
  stream_.rdbuf(this);
  stream_.exceptions(std::ios::badbit);  // an Error thrown below passes through
}

ProductStream::int_type ProductStream::overflow(int_type c) {
  if (!traits_type::eq_int_type(c, traits_type::eof())) {
    const char letter = traits_type::to_char_type(c);
    put(std::string_view(&letter, 1));
  }
  return traits_type::not_eof(c);
}

std::streamsize ProductStream::xsputn(const char* text, std::streamsize size) {
  put(std::string_view(text, static_cast<std::size_t>(size)));
  return size;
}

void ProductStream::put(std::string_view text) {
  buffer_ += text;
  if (buffer_.size() >= kHeldBack) flush_buffer();
}

void ProductStream::flush_buffer() {
  if (file_)
    file_->write(buffer_);
  else
    write_standard_output(buffer_);
  buffer_.clear();
}

void ProductStream::commit() {
  flush_buffer();
  if (file_) file_->commit();
}

}  // namespace tenfold::cli
