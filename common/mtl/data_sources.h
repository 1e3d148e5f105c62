// The kinds of data sets behind open_data, each made from the text after its colon.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mtl/dataset.h"
#include "mtl/rooms.h"

namespace tenfold::mtl {

// "n=64,size=96x128,seed=7,split=test,difficulty=1,noise=0.02,holes=0.1"; what is absent keeps its default, `split` that of the
// argument. Throws Error usage: unknown key (with the nearest), a key twice, a value out of range.
RoomsSpec parse_rooms_spec(std::string_view text, std::string_view split);
std::string rooms_spec_text(const RoomsSpec& spec);  // with "rooms:", every key

// Whose label a task finds: its type where the set names labels by type. Throws Error usage.
std::unique_ptr<DataSet> open_rooms(const RoomsSpec& spec, const std::vector<Task>& tasks, const InputSpec& input);

}  // namespace tenfold::mtl
