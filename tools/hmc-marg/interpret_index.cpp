// Indexing. A chain of single indices is an offset into the variable, whose contents are not copied; other indices
// are places listed once, used alike to read and to assign.
#include <algorithm>

#include "hmc-marg/interpret.h"

namespace tenfold::hmc_marg {

// The positions (from 0) that one index selects of a dimension.
struct Interpreter::Axis {
  bool single = false;
  std::uint32_t low = 0, count = 0;    // consecutive positions
  std::vector<std::uint32_t> listed;   // or these
};

const Expr* Interpreter::flatten_index(const Expr& e, IndexList& indices) const {
  const Expr* root = e.args[0].get();
  // A group that is itself indexed may only drop leading dimensions; else its result is indexed as a value.
  if (root->kind == ExprKind::index &&
      std::all_of(root->indices.begin(), root->indices.end(), [](const Index& i) { return i.kind == Index::Kind::single; })) {
    root = flatten_index(*root, indices);
  }
  for (const Index& index : e.indices) indices.push_back(&index);
  return root;
}

// Offset of the scalar or contiguous block that single indices select; false if they do not (a row of a matrix, a range).
bool Interpreter::single_offset(const Value& from, std::span<const Index* const> indices, std::size_t& offset) {
  const auto arrays = static_cast<std::size_t>(from.type.array_rank);
  const bool matrix = from.type.base == Base::matrix;
  if (indices.size() > from.dims.size() || (matrix && indices.size() == arrays + 1)) return false;
  for (const Index* index : indices) {
    if (index->kind != Index::Kind::single) return false;
  }
  std::size_t block = from.number.size();
  offset = 0;
  std::size_t row = 0;
  for (std::size_t d = 0; d < indices.size(); ++d) {
    const Expr& e = *indices[d]->low;
    const double i = known(scalar(e), e.at, "this index");
    const int size = from.dims[d];
    if (!(i >= 1 && i <= size)) {
      fail(e.at, "index " + std::to_string(static_cast<long>(i)) + " is out of range; dimension " + std::to_string(d + 1) +
                     " has size " + std::to_string(size));
    }
    const auto position = static_cast<std::size_t>(i) - 1;
    if (matrix && d == arrays) {
      row = position;
    } else if (matrix && d == arrays + 1) {
      offset += row + position * static_cast<std::size_t>(from.dims[arrays]);
    } else {
      block /= static_cast<std::size_t>(size);
      offset += position * block;
    }
  }
  return true;
}

Scalar Interpreter::index_scalar(const Expr& e) {
  // The commonest form by far: variable[i].
  const Expr& base = *e.args[0];
  if (e.indices.size() == 1 && base.kind == ExprKind::variable && e.indices[0].kind == Index::Kind::single) {
    const Value& from = at(base.slot).get();
    const Expr& low = *e.indices[0].low;
    const double i = known(scalar(low), low.at, "this index");
    if (!(i >= 1 && i <= from.dims[0])) {
      fail(low.at, "index " + std::to_string(static_cast<long>(i)) + " is out of range; `" + base.name + "` has size " +
                       std::to_string(from.dims[0]));
    }
    const auto place = static_cast<std::size_t>(i) - 1;
    return {from.number[place], from.slot.empty() ? 0 : from.slot[place]};
  }
  IndexList indices;
  const Expr* root = flatten_index(e, indices);
  Value storage;
  const Value& from = reference(*root, storage);
  std::size_t offset = 0;
  if (single_offset(from, indices.span(), offset)) return {from.number[offset], from.slot.empty() ? 0 : from.slot[offset]};
  return as_scalar(gather(from, select(from, indices.span())));
}

Value Interpreter::index(const Expr& e) {
  IndexList indices;
  const Expr* root = flatten_index(e, indices);
  Value storage;
  const Value& from = reference(*root, storage);
  std::size_t offset = 0;
  if (!single_offset(from, indices.span(), offset)) return gather(from, select(from, indices.span()));
  Value result;
  result.type = e.type;
  result.dims.assign(from.dims.begin() + static_cast<std::ptrdiff_t>(indices.span().size()), from.dims.end());
  const std::size_t count = product(result.dims);
  const auto first = static_cast<std::ptrdiff_t>(offset), last = static_cast<std::ptrdiff_t>(offset + count);
  result.number.assign(from.number.begin() + first, from.number.begin() + last);
  if (!from.known()) {
    result.slot.assign(from.slot.begin() + first, from.slot.begin() + last);
    if (std::all_of(result.slot.begin(), result.slot.end(), [](Slot s) { return s == 0; })) result.slot.clear();
  }
  return result;
}

Interpreter::Axis Interpreter::axis(const Index& index, int size) {
  Axis axis;
  const auto checked = [&](double i, Position at) {
    if (!(i >= 1 && i <= size)) {
      fail(at,
           "index " + std::to_string(static_cast<long>(i)) + " is out of range; the dimension has size " + std::to_string(size));
    }
    return static_cast<std::uint32_t>(i) - 1;
  };
  double low = 1, high = size;
  switch (index.kind) {
    case Index::Kind::all: break;
    case Index::Kind::single:
      axis.single = true;
      axis.low = checked(known(scalar(*index.low), index.low->at, "this index"), index.low->at);
      axis.count = 1;
      return axis;
    case Index::Kind::multi: {
      Value storage;
      const Value& positions = reference(*index.low, storage);
      axis.listed.reserve(positions.size());
      for (std::size_t k = 0; k < positions.size(); ++k) {
        const Scalar position{positions.number[k], positions.known() ? 0 : positions.slot[k]};
        axis.listed.push_back(checked(known(position, index.low->at, "this index"), index.low->at));
      }
      axis.count = static_cast<std::uint32_t>(axis.listed.size());
      return axis;
    }
    case Index::Kind::from: low = known_integer(*index.low, "this index"); break;
    case Index::Kind::upto: high = known_integer(*index.high, "this index"); break;
    case Index::Kind::between:
      low = known_integer(*index.low, "this index");
      high = known_integer(*index.high, "this index");
      break;
  }
  if (high < low) return axis;  // empty
  axis.low = index.low ? checked(low, index.low->at) : 0;
  if (index.high) checked(high, index.high->at);
  axis.count = static_cast<std::uint32_t>(high - low + 1);
  return axis;
}

Interpreter::View Interpreter::select(const Value& from, std::span<const Index* const> indices) {
  static const Index everything;
  const std::size_t rank = from.dims.size();
  const auto arrays = static_cast<std::size_t>(from.type.array_rank);
  std::vector<Axis> axes(rank);
  View view;
  view.type = from.type;
  bool kept_row = true, kept_column = true;
  for (std::size_t d = 0; d < rank; ++d) {
    axes[d] = axis(d < indices.size() ? *indices[d] : everything, from.dims[d]);
    if (!axes[d].single) {
      view.dims.push_back(static_cast<int>(axes[d].count));
    } else if (d < arrays) {
      --view.type.array_rank;
    } else {
      (d == arrays ? kept_row : kept_column) = false;
    }
  }
  if (from.type.base == Base::matrix) {
    view.type.base = kept_row ? (kept_column ? Base::matrix : Base::vector) : (kept_column ? Base::row_vector : Base::real);
  } else if (from.type.inner_rank() == 1 && !kept_row) {
    view.type.base = Base::real;
  }
  // Dimensions in the order of the layout, the slowest first, and the distance between neighbours in each.
  std::vector<std::size_t> order(rank);
  for (std::size_t d = 0; d < rank; ++d) order[d] = d;
  if (from.type.base == Base::matrix) std::swap(order[arrays], order[arrays + 1]);
  std::vector<std::size_t> stride(rank);
  std::size_t step = 1;
  for (std::size_t k = rank; k-- > 0;) {
    stride[order[k]] = step;
    step *= static_cast<std::size_t>(from.dims[order[k]]);
  }
  view.places.assign(1, 0);
  std::vector<std::uint32_t> next;
  for (const std::size_t d : order) {
    next.clear();
    next.reserve(view.places.size() * axes[d].count);
    const auto distance = static_cast<std::uint32_t>(stride[d]);
    for (const std::uint32_t place : view.places) {
      for (std::uint32_t k = 0; k < axes[d].count; ++k) {
        next.push_back(place + distance * (axes[d].listed.empty() ? axes[d].low + k : axes[d].listed[k]));
      }
    }
    view.places.swap(next);
  }
  return view;
}

Value Interpreter::gather(const Value& from, const View& view) const {
  Value result;
  result.type = view.type;
  result.dims = view.dims;
  const std::size_t n = view.places.size();
  result.number.resize(n);
  for (std::size_t i = 0; i < n; ++i) result.number[i] = from.number[view.places[i]];
  if (from.known()) return result;
  result.slot.resize(n);
  bool any = false;
  for (std::size_t i = 0; i < n; ++i) {
    result.slot[i] = from.slot[view.places[i]];
    any = any || result.slot[i] != 0;
  }
  if (!any) result.slot.clear();
  return result;
}

// Places that an assignable expression names, and the variable they lie in.
Interpreter::View Interpreter::view_of(const Expr& e, Value*& variable) {
  IndexList indices;
  const Expr* root = flatten_index(e, indices);
  if (root->kind == ExprKind::variable) {
    variable = &at(root->slot).value;
    return select(*variable, indices.span());
  }
  // a[2:3][1]: places of places.
  View outer = view_of(*root, variable);
  Value positions;
  positions.type = outer.type;
  positions.dims = outer.dims;
  positions.number.resize(outer.places.size());
  View inner = select(positions, indices.span());
  for (std::uint32_t& place : inner.places) place = outer.places[place];
  return inner;
}

}  // namespace tenfold::hmc_marg
