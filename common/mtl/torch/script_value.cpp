#include "mtl/torch/script_value.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/jit_type.h>

#include <algorithm>

#include "base/error.h"

namespace tenfold::mtl {

bool depends_on_image(const ScriptValue& value) {
  if (value.kind == ScriptValue::Kind::tensor) return true;
  return value.elements && std::ranges::any_of(*value.elements, depends_on_image);
}

c10::IValue to_ivalue(const ScriptValue& value) {
  switch (value.kind) {
    case ScriptValue::Kind::constant: return value.constant;
    case ScriptValue::Kind::tensor: return value.cell->value;
    case ScriptValue::Kind::module: break;
    case ScriptValue::Kind::dictionary: {
      c10::impl::GenericDict dictionary(c10::StringType::get(), c10::AnyType::get());
      for (std::size_t i = 0; i < value.keys->size(); ++i) dictionary.insert((*value.keys)[i], to_ivalue((*value.elements)[i]));
      return dictionary;
    }
    case ScriptValue::Kind::sequence: {
      std::vector<c10::IValue> elements;
      for (const ScriptValue& element : *value.elements) elements.push_back(to_ivalue(element));
      if (const auto list = value.type->cast<c10::ListType>()) {
        c10::impl::GenericList generic(list->getElementType());
        for (c10::IValue& element : elements) generic.push_back(std::move(element));
        return generic;
      }
      return c10::ivalue::Tuple::create(std::move(elements));
    }
  }
  machine_error("TorchScript: a module where a value is needed");
}

}  // namespace tenfold::mtl
