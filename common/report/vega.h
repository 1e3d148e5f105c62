// The JavaScript that draws the charts, embedded, so that a report needs no network and a program no data folder.
#pragma once

#include <string_view>

namespace tenfold::report {

std::string_view vega_script();        // vega 6
std::string_view vega_lite_script();   // vega-lite 6
std::string_view vega_embed_script();  // vega-embed 7

}  // namespace tenfold::report
