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

// MTAN's layout. Throws Error input at once where folders are missing, empty, or of differing counts.
std::unique_ptr<DataSet> open_nyuv2(const std::string& root, const std::string& split, const std::vector<Task>& tasks,
                                    const InputSpec& input);

// DIR/dataset.json. A task finds its labels by its name; an item without one has no valid label for it. Throws Error input with
// line and column for what is wrong in dataset.json, usage for a split that it lacks or a task that no item has a label for.
std::unique_ptr<DataSet> open_folder(const std::string& folder, const std::string& split, const std::vector<Task>& tasks,
                                     const InputSpec& input);

// What open_folder does with the file's text, without looking for any image: the items of the split.
std::size_t count_folder_items(std::string_view json, const std::string& file, const std::string& split,
                               const std::vector<Task>& tasks);

}  // namespace tenfold::mtl
