// Chain files: their header tells how many rows of warm-up they hold.
#include "hmc-marg/chain_files.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"

namespace tenfold::hmc_marg {
namespace {

// The value of "# key = value" in a chain file's header, or `absent`.
long header_number(const data::CsvTable& table, std::string_view key, long absent) {
  for (const data::CsvComment& comment : table.comments) {
    std::string_view text = comment.text;
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (!text.starts_with(key) || !text.substr(key.size()).starts_with(" = ")) continue;
    text.remove_prefix(key.size() + 3);
    long value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc()) return value;
  }
  return absent;
}

// Rows of warm-up that a file holds before its draws.
std::size_t warmup_rows(const data::CsvTable& table) {
  if (header_number(table, "save_warmup", 0) == 0) return 0;
  const long warmup = header_number(table, "num_warmup", 0), thin = std::max(1L, header_number(table, "thin", 1));
  return static_cast<std::size_t>((warmup + thin - 1) / thin);
}

// Rows that the header announces after warm-up; 0 where it does not say.
std::size_t draw_rows(const data::CsvTable& table) {
  const long draws = std::max(0L, header_number(table, "num_samples", 0)), thin = std::max(1L, header_number(table, "thin", 1));
  return static_cast<std::size_t>((draws + thin - 1) / thin);
}

}  // namespace

ChainFiles read_chain_files(const std::vector<std::string>& files, cli::Run& run) {
  ChainFiles out;
  std::size_t rows = std::numeric_limits<std::size_t>::max();
  for (const std::string& file : files) {
    out.tables.push_back(data::read_csv(file));
    const data::CsvTable& table = out.tables.back();
    if (table.names != out.tables.front().names)
      input_error(fmt::format("{}: its columns differ from those of {}; give chains of one model", file, files.front()));
    const std::size_t before = warmup_rows(table);
    if (table.rows <= before) input_error(fmt::format("{}: no draws after warm-up; the run that wrote it was cut short", file));
    if (const std::size_t promised = draw_rows(table); table.rows - before < promised)
      run.warn(fmt::format(
          "{}: holds {} of the {} draws that its header announces; the run that wrote it was cut short, or the file is damaged",
          file, table.rows - before, promised));
    rows = std::min(rows, table.rows - before);
  }
  out.draws.names = out.tables.front().names;
  for (std::size_t i = 0; i < out.tables.size(); ++i) {
    const std::size_t before = warmup_rows(out.tables[i]), columns = out.draws.names.size();
    if (out.tables[i].rows - before > rows)
      run.warn(fmt::format("{}: {} draws, of which the first {} are used, as many as the shortest chain has", files[i],
                           out.tables[i].rows - before, rows));
    out.draws.chains.emplace_back(out.tables[i].values.data() + before * columns, rows * columns);
  }
  return out;
}

std::size_t sampler_columns(const std::vector<std::string>& names) {
  return static_cast<std::size_t>(
      std::count_if(names.begin(), names.end(), [](const std::string& name) { return name.ends_with("__"); }));
}

}  // namespace tenfold::hmc_marg
