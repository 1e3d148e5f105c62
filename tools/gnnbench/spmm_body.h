// The inner loop of spmm for one kind of vector. Included into an anonymous namespace of each spmm_*.cpp.
//
// A row's sum of a block of columns stays in registers while its neighbours go by; every neighbour is a few cache lines at a
// random place, so what counts is how many of them are under way at once. Measured on one core of a Sapphire Rapids (2 MiB second
// cache, R-MAT of 169,000 nodes and 2.3 million entries, whose hubs stay cached): up to 64 columns the core's own look-ahead is
// enough, from 128 on prefetching kAhead neighbours ahead, across row ends (indices run on), gives 10 %. A row that does not
// begin on a cache line has one line more, which costs 10 % at 128 columns: align x to 64 bytes.
//
// Wide rows go in passes of 128 columns with AVX-512. One pass of 256 would ask for 16 lines a neighbour, more than a core keeps
// under way, and is 5 to 10 % slower; so are tiles so high (512 rows) that the second pass finds the rows' other half evicted.
//
// Equal bits everywhere: per element 0, then + w x in neighbour order, product and sum rounded apart (no fused multiply-add),
// then one division.

enum class Weight { one, edge, permuted, column };

constexpr EdgeIndex kAhead = 8;  // neighbours
constexpr std::int64_t kTile = 128;  // rows

template <Weight weight, class Real>
inline Real weight_of(const SpmmArguments<Real>& a, EdgeIndex e, NodeId u) {
  if constexpr (weight == Weight::edge) return a.weights[e * a.weight_stride];
  if constexpr (weight == Weight::permuted) return a.weights[a.edge_of[e] * a.weight_stride];
  if constexpr (weight == Weight::column) return a.column_weights[u];
  return 1;
}

// `full` whole vectors and, where tail, `rest` columns more.
template <class Lanes, int full, bool tail>
struct Columns {
  using Real = typename Lanes::Real;
  typename Lanes::Vector sum[full + 1];

  void clear() {
    for (int i = 0; i < full + tail; ++i) sum[i] = Lanes::zero();
  }
  template <bool weighted>
  void add(const Real* x, Real w, int rest) {
    const auto scale = Lanes::all(w);
    for (int i = 0; i < full; ++i) {
      const auto value = Lanes::load(x + i * Lanes::lanes);
      sum[i] = Lanes::plus(sum[i], weighted ? Lanes::times(scale, value) : value);
    }
    if constexpr (tail) {
      const auto value = Lanes::load_first(x + full * Lanes::lanes, rest);
      sum[full] = Lanes::plus(sum[full], weighted ? Lanes::times(scale, value) : value);
    }
  }
  void divide(Real by) {
    for (int i = 0; i < full + tail; ++i) sum[i] = Lanes::over(sum[i], Lanes::all(by));
  }
  void store(Real* out, int rest, bool accumulate) {
    for (int i = 0; i < full; ++i) {
      Real* to = out + i * Lanes::lanes;
      Lanes::store(to, accumulate ? Lanes::plus(Lanes::load(to), sum[i]) : sum[i]);
    }
    if constexpr (tail) {
      Real* to = out + full * Lanes::lanes;
      Lanes::store_first(to, accumulate ? Lanes::plus(Lanes::load_first(to, rest), sum[full]) : sum[full], rest);
    }
  }
};

template <class Lanes, int full, bool tail, Weight weight>
void rows_of_block(const SpmmArguments<typename Lanes::Real>& a, std::int64_t begin, std::int64_t end, std::int64_t column,
                   int rest) {
  using Real = typename Lanes::Real;
  constexpr bool weighted = weight != Weight::one;
  constexpr int kLine = 64 / sizeof(Real);
  const Real* const x = a.x + column;
  const int columns = full * Lanes::lanes + (tail ? rest : 0), lines = (columns + kLine - 1) / kLine;
  const bool straddles = (reinterpret_cast<std::uintptr_t>(x) | static_cast<std::size_t>(a.stride) * sizeof(Real)) % 64 != 0;
  Columns<Lanes, full, tail> block;
  for (std::int64_t v = begin; v < end; ++v) {
    const EdgeIndex first = a.indptr[v], last = a.indptr[v + 1];
    bool self = a.add_self;
    const auto add_self = [&] {
      const Real w = a.self_weights ? a.self_weights[v * a.weight_stride] : a.column_weights ? a.column_weights[v] : Real{1};
      block.template add<true>(x + v * a.stride, w, rest);
      self = false;
    };
    block.clear();
    for (EdgeIndex e = first; e < last; ++e) {
      if (e + kAhead < a.edges) {
        const Real* ahead = x + a.indices[e + kAhead] * a.stride;
        for (int i = 0; i < lines; ++i) __builtin_prefetch(ahead + i * kLine);
        if (straddles) __builtin_prefetch(ahead + columns - 1);
      }
      const NodeId u = a.indices[e];
      if (self && u > v) add_self();
      block.template add<weighted>(x + u * a.stride, weight_of<weight>(a, e, u), rest);
    }
    if (self) add_self();
    const EdgeIndex entries = last - first + a.add_self;
    if (a.mean && entries > 0) block.divide(a.divide ? a.divide[v] : static_cast<Real>(entries));
    block.store(a.out + v * a.stride + column, rest, a.accumulate);
  }
}

template <class Lanes, Weight weight, int full = Lanes::most>
void rows_of_columns(const SpmmArguments<typename Lanes::Real>& a, std::int64_t begin, std::int64_t end, std::int64_t column,
                     int vectors, int rest) {
  if constexpr (full > 0) {
    if (vectors < full) return rows_of_columns<Lanes, weight, full - 1>(a, begin, end, column, vectors, rest);
  }
  if (rest > 0) return rows_of_block<Lanes, full, true, weight>(a, begin, end, column, rest);
  if constexpr (full > 0) rows_of_block<Lanes, full, false, weight>(a, begin, end, column, 0);
}

template <class Lanes, Weight weight>
void rows_of_weight(const SpmmArguments<typename Lanes::Real>& a, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t kWidest = Lanes::most * Lanes::lanes;
  for (std::int64_t tile = begin; tile < end; tile += kTile) {
    const std::int64_t tile_end = tile + kTile < end ? tile + kTile : end;
    for (std::int64_t column = 0; column < a.width; column += kWidest) {
      const std::int64_t here = a.width - column < kWidest ? a.width - column : kWidest;
      rows_of_columns<Lanes, weight>(a, tile, tile_end, column, static_cast<int>(here / Lanes::lanes),
                                     static_cast<int>(here % Lanes::lanes));
    }
  }
}

template <class Lanes>
void rows_of(const SpmmArguments<typename Lanes::Real>& a, std::int64_t begin, std::int64_t end) {
  if (a.column_weights) return rows_of_weight<Lanes, Weight::column>(a, begin, end);
  if (a.weights && a.edge_of) return rows_of_weight<Lanes, Weight::permuted>(a, begin, end);
  if (a.weights) return rows_of_weight<Lanes, Weight::edge>(a, begin, end);
  rows_of_weight<Lanes, Weight::one>(a, begin, end);
}
