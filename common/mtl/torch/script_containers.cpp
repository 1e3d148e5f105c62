// Lists and dictionaries that hold tensors of the image, as a TorchScript network uses them: features gathered, joined, returned
// by name. They are shared as TorchScript's own are.
#include <algorithm>

#include "base/error.h"
#include "mtl/torch/script_lowering.h"

namespace tenfold::mtl {
namespace {

using Kind = ScriptValue::Kind;

std::int64_t wrapped(std::int64_t index, std::size_t size) { return index < 0 ? index + static_cast<std::int64_t>(size) : index; }

std::optional<std::size_t> key_index(const ScriptValue& dictionary, const ScriptValue& key) {
  if (!key.is_constant() || !key.constant.isString()) return std::nullopt;
  const auto found = std::ranges::find(*dictionary.keys, key.constant.toStringRef());
  if (found == dictionary.keys->end()) return std::nullopt;
  return static_cast<std::size_t>(found - dictionary.keys->begin());
}

// The result, or nothing where the operation is none on a dictionary.
std::optional<ScriptValue> on_dictionary(const std::string& name, const std::vector<ScriptValue>& arguments,
                                         const c10::TypePtr& result) {
  const ScriptValue& dictionary = arguments[0];
  if (name == "len") return ScriptValue::of(static_cast<std::int64_t>(dictionary.keys->size()));
  if (name == "__contains__") return ScriptValue::of(key_index(dictionary, arguments[1]).has_value());
  if (name == "__getitem__" || name == "get") {
    if (const auto at = key_index(dictionary, arguments[1])) return (*dictionary.elements)[*at];
    if (name == "get") return arguments.size() > 2 ? arguments[2] : ScriptValue::of(c10::IValue());
  }
  if (name == "_set_item" && arguments[1].is_constant() && arguments[1].constant.isString()) {
    if (const auto at = key_index(dictionary, arguments[1])) {
      (*dictionary.elements)[*at] = arguments[2];
    } else {
      dictionary.keys->push_back(arguments[1].constant.toStringRef());
      dictionary.elements->push_back(arguments[2]);
    }
    return ScriptValue::of(c10::IValue());
  }
  if (name == "keys") {
    c10::List<std::string> keys;
    for (const std::string& key : *dictionary.keys) keys.push_back(key);
    return ScriptValue::of(keys);
  }
  if (name == "values") return ScriptValue::sequence(*dictionary.elements, result);
  if (name == "items") {
    std::vector<ScriptValue> pairs;
    const c10::TypePtr pair = result->containedType(0);
    for (std::size_t i = 0; i < dictionary.keys->size(); ++i)
      pairs.push_back(ScriptValue::sequence({ScriptValue::of((*dictionary.keys)[i]), (*dictionary.elements)[i]}, pair));
    return ScriptValue::sequence(std::move(pairs), result);
  }
  if (name == "dict" || name == "copy") {
    ScriptValue copy = dictionary;
    copy.keys = std::make_shared<std::vector<std::string>>(*dictionary.keys);
    copy.elements = std::make_shared<std::vector<ScriptValue>>(*dictionary.elements);
    return copy;
  }
  return std::nullopt;
}

std::optional<ScriptValue> slice_of(const std::vector<ScriptValue>& arguments) {
  const std::vector<ScriptValue>& from = *arguments[0].elements;
  const auto size = static_cast<std::int64_t>(from.size());
  const auto bound = [&](std::size_t i, std::int64_t fallback) {
    if (arguments.size() <= i || arguments[i].is_none()) return fallback;
    return std::clamp<std::int64_t>(wrapped(arguments[i].constant.toInt(), from.size()), 0, size);
  };
  const std::int64_t step = arguments.size() > 3 ? arguments[3].constant.toInt() : 1;
  if (step < 1) return std::nullopt;
  std::vector<ScriptValue> kept;
  for (std::int64_t i = bound(1, 0); i < bound(2, size); i += step) kept.push_back(from[static_cast<std::size_t>(i)]);
  return ScriptValue::sequence(std::move(kept), arguments[0].type);
}

std::optional<ScriptValue> on_list(const std::string& name, const std::vector<ScriptValue>& arguments) {
  const ScriptValue& list = arguments[0];
  std::vector<ScriptValue>& elements = *list.elements;
  const auto at = [&](const ScriptValue& index) {
    const std::int64_t i = wrapped(index.constant.toInt(), elements.size());
    if (i < 0 || i >= static_cast<std::int64_t>(elements.size())) input_error("TorchScript: index out of a list");
    return static_cast<std::size_t>(i);
  };
  if (name == "len") return ScriptValue::of(static_cast<std::int64_t>(elements.size()));
  if (name == "list" || name == "copy") return ScriptValue::sequence(elements, list.type);
  if (name == "slice") return slice_of(arguments);
  if (name == "__getitem__") return elements[at(arguments[1])];
  if (name == "_set_item") {
    elements[at(arguments[1])] = arguments[2];
  } else if (name == "append") {
    elements.push_back(arguments[1]);
  } else if (name == "insert") {
    const std::int64_t i = std::clamp<std::int64_t>(arguments[1].constant.toInt(), 0, static_cast<std::int64_t>(elements.size()));
    elements.insert(elements.begin() + i, arguments[2]);
  } else if (name == "reverse") {
    std::ranges::reverse(elements);
  } else if (name == "pop") {
    const std::size_t i = arguments.size() > 1 ? at(arguments[1]) : at(ScriptValue::of(std::int64_t{-1}));
    ScriptValue taken = elements[i];
    elements.erase(elements.begin() + static_cast<std::ptrdiff_t>(i));
    return taken;
  } else if ((name == "extend" || name == "add" || name == "add_") && arguments[1].kind == Kind::sequence) {
    const std::vector<ScriptValue> more = *arguments[1].elements;
    if (name == "add") {
      std::vector<ScriptValue> joined = elements;
      joined.insert(joined.end(), more.begin(), more.end());
      return ScriptValue::sequence(std::move(joined), list.type);
    }
    elements.insert(elements.end(), more.begin(), more.end());
  } else {
    return std::nullopt;
  }
  return list;
}

}  // namespace

bool Lowering::run_container(torch::jit::Node* node) {
  if (node->inputs().empty()) {
    if (std::string_view(node->kind().toQualString()) != "aten::dict") return false;
    ScriptValue empty;  // OrderedDict()
    empty.kind = Kind::dictionary;
    empty.keys = std::make_shared<std::vector<std::string>>();
    empty.elements = std::make_shared<std::vector<ScriptValue>>();
    empty.type = node->output()->type();
    set(node->output(), std::move(empty));
    return true;
  }
  const Kind kind = value(node->input(0)).kind;
  if (kind != Kind::sequence && kind != Kind::dictionary) return false;
  const std::string qualified = node->kind().toQualString();
  if (!qualified.starts_with("aten::")) return false;
  const std::string name = qualified.substr(6);
  const std::vector<ScriptValue> values = arguments(node);
  const std::optional<ScriptValue> result =
      kind == Kind::sequence ? on_list(name, values)
                             : on_dictionary(name, values, node->outputs().empty() ? nullptr : node->output()->type());
  if (!result) return false;
  if (!node->outputs().empty()) set(node->output(), *result);
  return true;
}

}  // namespace tenfold::mtl
