// A gradient allocates nothing: operator new of this test program counts.
#include <atomic>
#include <cstdlib>
#include <new>

#include "engine_support.h"

namespace {
std::atomic<long> allocations{0};

void* counted(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
// Deleted by the same operators: std::stable_sort's buffer comes from here.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }

using namespace tenfold::hmc_marg;

TEST_CASE("1000 gradients of a graph with every kind of instruction allocate nothing") {
  Target t;
  const Slot x = t.parameters(12);
  const Slot e = lanes_of(t.graph, Op::exp, {List::range(x, 12)}, 12);
  const Slot general = lanes_of(t.graph, Op::lgamma, {List::range(e, 12)}, 12);
  const Slot dot = reduce(t.graph, Op::dot, {List::range(x, 12), List::range(general, 12)});
  const Slot top = reduce(t.graph, Op::log_sum_exp, {List::range(x, 12)});
  const Slot soft = t.graph.whole(Op::softmax, views({List::range(x, 12)}), 12);
  const Slot diagonal = lanes_of(t.graph, Op::add, {List::at(e), 3.0});
  const Slot l = t.graph.whole(Op::cholesky, views({List::of({diagonal, x, x, diagonal})}), 4, 2);
  t.factor(Density::normal, {List::range(soft, 12), List::at(x), List::at(e)}, 12);
  t.factor(Density::student_t, {List::at(dot), List::at(e + 1), List::at(top), List::at(e + 2)});
  t.factor(Density::gamma, {List::at(e + 3), List::at(e + 4), 2.0});
  t.term(l + 1);
  t.spec.outputs = {soft, l + 3};
  Engine engine(lower(t.graph, t.spec));
  std::vector<double> q(12, 0.1), bad(12, std::nan("")), gradient(12), out(2);
  const long before = allocations;
  double sum = 0;
  for (int i = 0; i < 1000; ++i) {
    q[static_cast<std::size_t>(i % 12)] += 1e-3;
    sum += engine.log_density(q, gradient);
    engine.outputs(q, out);
    engine.log_density(bad, gradient);
  }
  CHECK(allocations - before == 0);
  CHECK(std::isfinite(sum));
  CHECK(allocations > 0);
}
