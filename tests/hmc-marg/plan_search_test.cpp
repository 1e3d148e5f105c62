// The search for the cheapest set, on prices made up by hand.
#include "hmc-marg/plan_search.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace tenfold::hmc_marg;

namespace {

using Set = std::vector<bool>;

PlanCost priced(double ns, int sampled = 1, bool funnel = false) {
  PlanCost cost;
  cost.ns = ns;
  cost.sampled = sampled;
  cost.funnel = funnel;
  return cost;
}

int taken_in(const Set& taken) {
  int n = 0;
  for (const bool t : taken) n += t ? 1 : 0;
  return n;
}

SearchSpace free_space(std::size_t items) { return {std::vector<int>(items, 1), {}, {}, Set(items, false)}; }

}  // namespace

TEST_CASE("the weight: fourth root of the dimensions, eightfold for a funnel") {
  CHECK(priced(10, 15).weighted() == doctest::Approx(20));
  CHECK(priced(10, 15, true).weighted() == doctest::Approx(160));
  CHECK(priced(10, 0).weighted() == 0);  // independent draws
}

TEST_CASE("few items: every allowed set is priced, conflicts and needs are kept") {
  SearchSpace space = free_space(4);
  space.conflicts = {{0, 1}};
  space.needs = {{2, 3}};
  const auto sets = cheapest(space, [](const Set& taken) { return priced(100 - 10 * taken_in(taken), 1); });
  CHECK(sets.size() == 3 * 3);
  CHECK(sets.front().taken == Set{true, false, true, true});  // of equals the earlier item
  for (const PricedSet& set : sets) {
    CHECK(!(set.taken[0] && set.taken[1]));
    CHECK((!set.taken[2] || set.taken[3]));
  }
}

TEST_CASE("of equal prices the set that samples less, then the one with the earlier item") {
  const auto first = cheapest(free_space(3), [](const Set& taken) { return priced(taken_in(taken) == 1 ? 5 : 9, 3); });
  CHECK(first.front().taken == Set{true, false, false});
  // Weights are equal where ns balances the dimensions exactly: 8 ns at 15 dimensions, 4 at 255.
  const auto fewer = cheapest(free_space(1), [](const Set& taken) { return taken[0] ? priced(8, 15) : priced(4, 255); });
  CHECK(fewer.front().taken == Set{true});
}

TEST_CASE("required items are in every set; none is left where that does not fit") {
  SearchSpace space = free_space(3);
  space.required = {false, true, false};
  for (const PricedSet& set : cheapest(space, [](const Set& taken) { return priced(1 + taken_in(taken)); })) CHECK(set.taken[1]);
  const auto nothing =
      cheapest(space, [](const Set& taken) { return priced(taken[1] ? std::numeric_limits<double>::infinity() : 1); });
  CHECK(nothing.empty());
}

TEST_CASE("many items: descent from the largest set by the return that lowers most") {
  SearchSpace space = free_space(9);
  space.conflicts = {{0, 8}};
  int asked = 0;
  // Items 3 and 5 cost more than they bring, 5 most.
  const auto price = [&](const Set& taken) {
    ++asked;
    return priced(100 - taken_in(taken) + (taken[3] ? 5 : 0) + (taken[5] ? 9 : 0));
  };
  const auto sets = cheapest(space, price);
  CHECK(sets.front().taken == Set{true, true, true, false, true, false, true, true, false});
  CHECK(asked == 1 + 8 + 7 + 6);
  space.required.assign(9, false);
  space.required[5] = space.required[8] = true;
  CHECK(cheapest(space, price).front().taken == Set{false, true, true, false, true, true, true, true, true});
}

TEST_CASE("many items: what crowds the block is given back first") {
  const auto price = [](const Set& taken) {
    PlanCost cost = priced(100 - taken_in(taken));
    if (taken[6] || taken[2]) {
      cost.ns = std::numeric_limits<double>::infinity();
      cost.crowded = taken[6] ? 6 : 2;
    }
    return cost;
  };
  CHECK(cheapest(free_space(8), price).front().taken == Set{true, true, false, true, true, true, false, true});
}
