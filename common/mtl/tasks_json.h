// The parts of tasks.json, as they also stand in an MTG.
#pragma once

#include "mtl/strict_json.h"
#include "mtl/tasks.h"

namespace tenfold::mtl {

InputSpec read_input(const StrictJson& json, const data::JsonValue& value);
// A whole tasks.json: {"input": ..., "tasks": [...]}.
TaskFile read_task_file(const StrictJson& json, const data::JsonValue& value);

}  // namespace tenfold::mtl
