// Charts of attacks: J over the budget for each rule, and how much each single-task attack hurts each task.
#pragma once

#include <string>
#include <vector>

#include "data/json.h"
#include "report/chart.h"

namespace tenfold::mtl_attack {

// "cells" of a result -> a chart an attack: bands over eps where there are several budgets, else intervals by rule.
std::vector<report::Chart> damage_charts(const Json& cells);

// matrix[i][j]: row i the attacked, column j the harmed; drawn as numbers on colour. NaN leaves a cell empty.
struct HeatMap {
  std::string name, title, rows, columns;  // axis titles
  std::vector<std::string> row_names, column_names;
  std::vector<std::vector<double>> matrix;
  std::string caption;
};
report::Chart heat_map(const HeatMap& map);

// task x task from the cells single:TASK of each attack and budget where all are there: S_ij = mean r_j under single:i.
std::vector<report::Chart> task_heat_maps(const Json& cells, const std::vector<std::string>& tasks);

// Pictures in a grid: rows of equal length, each picture a PNG's bytes (empty: none).
struct PictureGrid {
  std::string name, title, caption;
  std::vector<std::string> columns, rows;
  std::vector<std::vector<std::string>> png;  // [row][column]
  int width = 0, height = 0;                  // of a picture on the page
};
report::Chart picture_grid(const PictureGrid& grid);

}  // namespace tenfold::mtl_attack
