#include "mtl-attack/eps.h"

#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"

namespace tenfold::mtl_attack {
namespace {

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<double> fraction(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) {
    const std::optional<double> value = number(text);
    return value && *value >= 1 ? *value / 255 : value;
  }
  const std::optional<double> above = number(text.substr(0, slash)), below = number(text.substr(slash + 1));
  if (!above || !below || *below <= 0) return std::nullopt;
  return *above / *below;
}

}  // namespace

double parse_eps(std::string_view text, std::string_view option) {
  const std::optional<double> eps = fraction(text);
  if (!eps)
    usage_error(fmt::format("{} {}: no budget; write 8/255, grey levels (8), or a fraction of the range (0.03)", option, text));
  if (*eps < 0 || *eps > 1) usage_error(fmt::format("{} {}: must lie from 0 to 255 grey levels (0 to 255/255)", option, text));
  return *eps;
}

double grey_levels(double eps) {
  const double levels = 255 * eps, whole = std::round(levels);
  return std::abs(levels - whole) < 1e-9 ? whole : levels;
}

int whole_levels(double eps) { return static_cast<int>(std::floor(255 * eps + 1e-9)); }

std::string levels_text(double eps) { return fmt::format("{:.6g}", grey_levels(eps)); }

}  // namespace tenfold::mtl_attack
