// Progress of long work on standard error.
#include "base/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <mutex>

#include "base/clock.h"

namespace tenfold {

namespace {

constexpr double redraw_every_s = 0.1;
constexpr double plain_line_every_s = 10.0;

std::string count_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.0f", value);
  return text;
}

std::string rate_text(double rate) {
  char text[32];
  std::snprintf(text, sizeof text, rate >= 100 ? "%.0f" : "%.3g", rate);
  return text;
}

std::string duration_text(double seconds) {
  const long whole = std::lround(std::min(seconds, 1e7));
  char text[48];
  if (whole < 60) {
    std::snprintf(text, sizeof text, "%ld s", whole);
  } else if (whole < 3600) {
    std::snprintf(text, sizeof text, "%ld min %02ld s", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld h %02ld min", whole / 3600, whole / 60 % 60);
  }
  return text;
}

// Cut to the terminal's width (a wrapped line cannot be redrawn), never inside a UTF-8 sequence.
std::string cut(std::string text, std::size_t width) {
  if (text.size() <= width) return text;
  std::size_t end = width;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

std::size_t terminal_width(int descriptor) {
  winsize size = {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col < 2) return 79;
  return size.ws_col - 1u;
}

}  // namespace

std::string progress_text(const Progress& progress, double elapsed_s) {
  std::string text = progress.what + " " + count_text(progress.done);
  if (progress.total > 0) {
    text += "/" + count_text(progress.total);
    text += " (" + count_text(std::floor(100.0 * progress.done / progress.total)) + " %)";
  }
  if (elapsed_s > 0 && progress.done > 0) {
    const double rate = progress.done / elapsed_s;
    text += "  " + rate_text(rate) + " " + progress.unit + "/s";
    if (progress.total > progress.done) text += "  " + duration_text((progress.total - progress.done) / rate) + " left";
  }
  if (!progress.note.empty()) text += "  " + progress.note;
  return text;
}

struct ProgressReporter::State {
  enum class Style { none, redrawn, plain };
  Style style = Style::none;
  int descriptor = 2;
  std::mutex mutex;
  std::string what;
  double started_s = 0;
  double started_at = 0;  // steps that an earlier run had done: no part of this one's rate
  double shown_s = 0;
  bool drawn = false;

  void write(const std::string& text) const {
    if (::write(descriptor, text.data(), text.size()) < 0) return;  // a closed stderr is nobody's error
  }

  std::string text(const Progress& progress, double now) const {
    Progress own = progress;
    own.done -= started_at;
    if (started_at == 0 || own.done <= 0) return progress_text(progress, now - started_s);
    // The rate counts this run's steps, the fraction all of them.
    const double scaled_elapsed = (now - started_s) * progress.done / own.done;
    return progress_text(progress, scaled_elapsed);
  }
};

ProgressReporter::ProgressReporter(ProgressMode mode, int descriptor) : state_(std::make_unique<State>()) {
  state_->descriptor = descriptor;
  if (mode == ProgressMode::none) return;
  const bool redrawn = mode == ProgressMode::automatic && ::isatty(descriptor) == 1;
  state_->style = redrawn ? State::Style::redrawn : State::Style::plain;
}

ProgressReporter::~ProgressReporter() { clear(); }

void ProgressReporter::show(const Progress& progress) {
  State& state = *state_;
  if (state.style == State::Style::none) return;
  const double now = wall_s();
  const std::lock_guard lock(state.mutex);
  if (progress.what != state.what) {
    state.what = progress.what;
    state.started_s = now;
    state.started_at = progress.done;
    state.shown_s = now;  // work that ends at once shows nothing
    return;
  }
  const bool redrawn = state.style == State::Style::redrawn;
  if (now - state.shown_s < (redrawn ? redraw_every_s : plain_line_every_s)) return;
  state.shown_s = now;
  const std::string text = state.text(progress, now);
  if (redrawn) {
    state.write("\r\x1b[K" + cut(text, terminal_width(state.descriptor)));
    state.drawn = true;
  } else {
    state.write(text + "\n");
  }
}

void ProgressReporter::clear() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->drawn) return;
  state_->write("\r\x1b[K");
  state_->drawn = false;
}

}  // namespace tenfold
