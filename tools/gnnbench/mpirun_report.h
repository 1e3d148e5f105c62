// What mpirun prints when a job goes wrong, read for the one fact in it: which worker ended, and how. Its banners stand between
// lines of dashes; the rest of its standard error is the workers' own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tenfold::gnnbench {

class MpirunReport {
 public:
  // Takes a line; true if it belongs to a banner, and is not for people.
  bool take(std::string_view line);

  // "worker 1 was killed by signal 9", "worker 2 ended with exit code 3", or empty if no banner said so.
  std::string cause() const;
  // The first sentence of the first banner, for a job that did not start; may be empty.
  std::string first_words() const { return first_words_; }

 private:
  void read(const std::string& banner);

  bool inside_ = false;
  std::string banner_;
  std::string first_words_;
  std::optional<int> rank_, signal_, exit_code_;
};

}  // namespace tenfold::gnnbench
