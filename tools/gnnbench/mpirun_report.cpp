// What mpirun prints when a job goes wrong.
#include "gnnbench/mpirun_report.h"

#include <algorithm>
#include <regex>

namespace tenfold::gnnbench {

namespace {

constexpr std::size_t kDashes = 60;  // Open MPI 4 prints 74

bool is_rule(std::string_view line) { return line.size() >= kDashes && line.find_first_not_of('-') == std::string_view::npos; }

}  // namespace

bool MpirunReport::take(std::string_view line) {
  if (is_rule(line)) {
    if (inside_) read(banner_);
    banner_.clear();
    inside_ = !inside_;
    return true;
  }
  if (!inside_) return false;
  if (!banner_.empty()) banner_ += ' ';
  banner_ += line;
  return true;
}

// The first cause counts: what follows are its consequences.
void MpirunReport::read(const std::string& banner) {
  static const std::regex by_signal("process rank ([0-9]+) .*exited on signal ([0-9]+)");
  static const std::regex by_exit("Process name: *\\[\\[[0-9]+,[0-9]+\\],([0-9]+)\\] *Exit code: *([0-9]+)");
  static const std::regex by_abort("MPI_ABORT was invoked on rank ([0-9]+).*errorcode (-?[0-9]+)");
  if (first_words_.empty()) first_words_ = banner.substr(0, banner.find(". "));
  if (rank_) return;
  std::smatch found;
  if (std::regex_search(banner, found, by_signal)) {
    rank_ = std::stoi(found[1]);
    signal_ = std::stoi(found[2]);
  } else if (std::regex_search(banner, found, by_exit) || std::regex_search(banner, found, by_abort)) {
    rank_ = std::stoi(found[1]);
    exit_code_ = std::stoi(found[2]);
  }
}

std::string MpirunReport::cause() const {
  if (!rank_) return "";
  const std::string worker = "worker " + std::to_string(*rank_);
  return signal_ ? worker + " was killed by signal " + std::to_string(*signal_)
                 : worker + " ended with exit code " + std::to_string(*exit_code_);
}

}  // namespace tenfold::gnnbench
