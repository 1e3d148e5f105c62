#include "gnnbench/run_clock.h"

#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace tenfold::gnnbench {
namespace {

constexpr const char* kNames[kSections] = {"sample", "gather", "forward", "backward", "comm", "optim", "eval", "setup", "other"};

bool charged(Section section) { return section < Section::eval; }

}  // namespace

RunClock::RunClock() : wall_mark_(tenfold::wall_s()), cpu_mark_(process_cpu_s()) {}

void RunClock::settle() {
  const double wall = tenfold::wall_s(), cpu = process_cpu_s();
  seconds_[static_cast<std::size_t>(section_)] += wall - wall_mark_;
  if (charged(section_)) cpu_ += cpu - cpu_mark_;
  wall_mark_ = wall;
  cpu_mark_ = cpu;
}

void RunClock::enter(Section section) {
  settle();
  section_ = section;
}

void RunClock::move(Section from, Section to, double seconds) {
  seconds_[static_cast<std::size_t>(from)] -= seconds;
  seconds_[static_cast<std::size_t>(to)] += seconds;
}

double RunClock::train_s() {
  settle();
  double total = 0;
  for (std::size_t i = 0; i < kSections; ++i)
    if (charged(static_cast<Section>(i))) total += seconds_[i];
  return total;
}

double RunClock::cpu_s() {
  settle();
  return cpu_;
}

double RunClock::wall_s() {
  settle();
  double total = 0;
  for (const double s : seconds_) total += s;
  return total;
}

double RunClock::spent_s(Section section) {
  settle();
  return seconds_[static_cast<std::size_t>(section)];
}

Json RunClock::breakdown() {
  settle();
  Json out = Json::object();
  for (std::size_t i = 0; i < static_cast<std::size_t>(Section::other); ++i) out[kNames[i]] = seconds_[i];
  return out;
}

Json RunClock::state() {
  settle();
  Json out = Json::object();
  for (std::size_t i = 0; i < kSections; ++i) out[kNames[i]] = seconds_[i];
  out["cpu"] = cpu_;
  return out;
}

void RunClock::restore(const Json& state) {
  settle();
  for (std::size_t i = 0; i < kSections; ++i) seconds_[i] += state.at(kNames[i]).get<double>();
  cpu_ += state.at("cpu").get<double>();
}

}  // namespace tenfold::gnnbench
