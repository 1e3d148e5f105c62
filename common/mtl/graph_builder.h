// Writes a graph node by node: what the built-in networks are made with, and small networks of tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mtl/model.h"

namespace tenfold::mtl {

class GraphBuilder {
 public:
  GraphBuilder();

  int image() const { return 0; }
  // A node reading `inputs`; weights that it names must have been made with parameter(). Returns its index.
  int add(std::string id, Op op, const std::vector<int>& inputs, std::map<std::string, Attribute> attributes = {},
          std::map<std::string, std::string> parameters = {});
  int add(std::string id, Op op, std::vector<Operand> inputs, std::map<std::string, Attribute> attributes = {},
          std::map<std::string, std::string> parameters = {});
  // A tensor of zeros of that name.
  void parameter(const std::string& name, Shape shape);

  // Layers whose parameters are `name`.weight, `name`.bias ...; the node's id is the name.
  int conv(const std::string& name, int input, std::int64_t in, std::int64_t out, std::int64_t kernel,
           std::map<std::string, Attribute> attributes = {}, bool bias = false);
  int batch_norm(const std::string& name, int input, std::int64_t channels);
  int relu(const std::string& id, int input) { return add(id, Op::relu, std::vector<int>{input}); }
  void output(std::string name, int node);

  Model& model() { return model_; }
  Model finish();  // complete()

 private:
  Model model_;
};

}  // namespace tenfold::mtl
