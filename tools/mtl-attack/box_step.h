// The step that a direction c asks for, in closed form. To first order the damage of d is c.d; its maximum over a box is taken
// coordinate by coordinate, since nothing but the bounds constrains it: the paper's integer linear programme has the identity as
// its constraint matrix, and needs no solver.
//
//     d_j = u_j if c_j > 0, l_j if c_j < 0, 0 if c_j = 0  (or u_j, Tie::up)
//     l_j = max(-a, x_j - eps - x_kj, -x_kj),   u_j = min(a, x_j + eps - x_kj, 1 - x_kj)
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tenfold::mtl_attack {

enum class Tie : std::uint8_t { zero, up };  // where c_j = 0: stay, or go up

// Where the iterates may be: [x - eps, x + eps] within [0, 1].
struct Ball {
  std::vector<float> low, high;
};
Ball ball_around(std::span<const float> clean, double eps);

// x + d, which is the projection of x + a sign(c) onto the ball; one sweep.
void sign_step(std::span<const float> x, std::span<const float> c, float a, Tie tie, const Ball& ball, std::span<float> next);

// The box of the steps d from x.
struct Box {
  std::vector<float> low, high;
};
Box step_box(std::span<const float> x, float a, const Ball& ball);

// sum_j max(c_j u_j, c_j l_j): what no step of the box exceeds.
double box_bound(std::span<const float> c, const Box& box);

double dot(std::span<const float> a, std::span<const float> b);  // in double, one fixed order
double norm1(std::span<const float> a);

}  // namespace tenfold::mtl_attack
