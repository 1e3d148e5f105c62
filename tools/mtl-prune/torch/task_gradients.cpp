#include "mtl-prune/torch/task_gradients.h"

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <set>

#include "mtl/shapes.h"

namespace tenfold::mtl_prune {
namespace {

using at::Tensor;
using mtl::Graph;
using mtl::Node;
using mtl::Operand;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double loss_value(const Tensor& loss) {
  if (!loss.defined()) return kNaN;
  const double value = loss.item<double>();
  return std::isfinite(value) ? value : std::numeric_limits<double>::infinity();
}

bool any_infinite(const std::vector<double>& losses) {
  for (const double loss : losses)
    if (std::isinf(loss)) return true;
  return false;
}

void accumulate(Tensor& sum, const Tensor& value) {
  // Never in place: a gradient may be shared with another operand's.
  sum = sum.defined() ? sum + value : value;
}

// One node as it ran: its operands cut off from what came before.
struct Ran {
  Tensor result;                         // with the node's own graph behind it
  std::vector<std::pair<int, Tensor>> operands;  // nodes read, each once, as leaves
};

// The parameters of a node, operands among them, each once.
std::vector<std::string> parameters_of(const mtl::Executor& executor, const Node& node) {
  std::set<std::string> names;
  for (const auto& [role, name] : node.parameters) names.insert(name);
  for (const Operand& operand : node.inputs)
    if (operand.kind == Operand::Kind::parameter) names.insert(operand.parameter);
  std::vector<std::string> out;
  for (const std::string& name : names)
    if (executor.weights().at(name).requires_grad()) out.push_back(name);
  return out;
}

class StreamedPass {
 public:
  StreamedPass(const mtl::Problem& problem, const TaskGradients& sink, bool total)
      : problem_(problem), sink_(sink), total_(total), graph_(problem.executor.graph()), tasks_(problem.tasks.size()) {
    // Walking backwards, a parameter is complete after its earliest use.
    for (std::size_t i = graph_.nodes.size(); i-- > 1;)
      for (const std::string& name : parameters_of(problem.executor, graph_.nodes[i])) first_use_[name] = static_cast<int>(i);
  }

  PassResult run() {
    forward();
    seed();
    if (any_infinite(out_.losses)) return std::move(out_);
    for (std::size_t i = graph_.nodes.size(); i-- > 1;) {
      backward(static_cast<int>(i));
      ran_[i] = Ran();
      gradients_[i].clear();
    }
    return std::move(out_);
  }

 private:
  void forward() {
    const std::vector<std::vector<int>> read_by = mtl::readers(graph_);
    std::vector<Tensor> results(graph_.nodes.size());
    results[0] = problem_.batch.images.to(problem_.executor.dtype());
    ran_.resize(graph_.nodes.size());
    gradients_.resize(graph_.nodes.size());
    for (std::size_t i = 1; i < graph_.nodes.size(); ++i) {
      Ran& ran = ran_[i];
      const std::function<Tensor(int)> read = [&](int node) {
        for (const auto& [known, leaf] : ran.operands)
          if (known == node) return leaf;
        const Tensor& value = results[static_cast<std::size_t>(node)];
        const bool differentiable = node != 0 && ran_[static_cast<std::size_t>(node)].result.requires_grad();
        return ran.operands.emplace_back(node, value.detach().requires_grad_(differentiable)).second;
      };
      const Node& node = graph_.nodes[i];
      if (sink_.read && node.inputs[0].kind == Operand::Kind::node)
        sink_.read(static_cast<int>(i), results[static_cast<std::size_t>(node.inputs[0].node)]);
      ran.result = problem_.executor.run_node(static_cast<int>(i), read, problem_.hooks);
      results[i] = ran.result.detach();
    }
  }

  // The losses and their gradients at the outputs.
  void seed() {
    for (std::size_t t = 0; t < tasks_; ++t) {
      const int node = graph_.outputs[static_cast<std::size_t>(problem_.output_of_task[t])].node;
      const Tensor output = ran_[static_cast<std::size_t>(node)].result.detach().requires_grad_(true);
      const Tensor loss = problem_.loss(t, output);
      out_.losses.push_back(loss_value(loss));
      if (!loss.defined() || std::isinf(out_.losses.back())) continue;
      ++out_.backward_passes;
      add(node, t, torch::autograd::grad({loss}, {output})[0]);
    }
  }

  void add(int node, std::size_t task, const Tensor& gradient) {
    std::vector<Tensor>& by_task = gradients_[static_cast<std::size_t>(node)];
    by_task.resize(tasks_);
    accumulate(by_task[task], gradient);
  }

  void backward(int index) {
    const auto i = static_cast<std::size_t>(index);
    const std::vector<std::string> names = parameters_of(problem_.executor, graph_.nodes[i]);
    Ran& ran = ran_[i];
    std::vector<std::size_t> live;
    for (std::size_t t = 0; t < gradients_[i].size(); ++t)
      if (gradients_[i][t].defined() && ran.result.requires_grad()) live.push_back(t);

    std::vector<Tensor> wanted;
    std::vector<int> nodes;
    for (const auto& [node, leaf] : ran.operands) {
      if (!leaf.requires_grad()) continue;
      wanted.push_back(leaf);
      nodes.push_back(node);
    }
    for (const std::string& name : names) wanted.push_back(problem_.executor.weights().at(name));
    for (std::size_t k = 0; k < live.size() && !wanted.empty(); ++k) {
      const std::size_t t = live[k];
      const std::vector<Tensor> gradients =
          torch::autograd::grad({ran.result}, wanted, {gradients_[i][t]}, /*retain_graph=*/k + 1 < live.size(),
                                /*create_graph=*/false, /*allow_unused=*/true);
      for (std::size_t n = 0; n < nodes.size(); ++n)
        if (gradients[n].defined()) add(nodes[n], t, gradients[n]);
      for (std::size_t p = 0; p < names.size(); ++p)
        if (gradients[nodes.size() + p].defined()) add_parameter(names[p], t, gradients[nodes.size() + p]);
    }
    for (const std::string& name : names)
      if (first_use_.at(name) == index) complete(name);
  }

  void add_parameter(const std::string& name, std::size_t task, const Tensor& gradient) {
    std::vector<Tensor>& by_task = of_parameter_[name];
    by_task.resize(tasks_);
    accumulate(by_task[task], gradient);
  }

  void complete(const std::string& name) {
    const auto found = of_parameter_.find(name);
    if (found == of_parameter_.end()) return;
    if (sink_.parameter) sink_.parameter(name, found->second);
    if (total_) out_.total.emplace(name, weighted_sum(found->second));
    of_parameter_.erase(found);
  }

  Tensor weighted_sum(const std::vector<Tensor>& by_task) const {
    Tensor sum;
    for (std::size_t t = 0; t < tasks_; ++t) {
      if (!by_task[t].defined()) continue;
      if (sum.defined())
        sum.add_(by_task[t], problem_.weights[t]);
      else
        sum = by_task[t] * problem_.weights[t];
    }
    return sum;
  }

  const mtl::Problem& problem_;
  const TaskGradients& sink_;
  bool total_;
  const Graph& graph_;
  std::size_t tasks_;
  std::map<std::string, int> first_use_;
  std::vector<Ran> ran_;
  std::vector<std::vector<Tensor>> gradients_;  // [node][task]
  std::map<std::string, std::vector<Tensor>> of_parameter_;
  PassResult out_;
};

}  // namespace

PassResult stream_gradients(const mtl::Problem& problem, const TaskGradients& sink, bool total) {
  return StreamedPass(problem, sink, total).run();
}

PassResult whole_gradients(const mtl::Problem& problem, const TaskGradients& sink, bool total) {
  const Graph& graph = problem.executor.graph();
  mtl::RunHooks hooks = problem.hooks;
  std::vector<Tensor> results(graph.nodes.size());
  hooks.tap = [&](int node, const Tensor& result) { results[static_cast<std::size_t>(node)] = result.detach(); };
  const std::vector<Tensor> outputs = problem.executor.run(problem.batch.images, hooks);
  if (sink.read)
    for (std::size_t i = 1; i < graph.nodes.size(); ++i)
      if (graph.nodes[i].inputs[0].kind == Operand::Kind::node)
        sink.read(static_cast<int>(i), results[static_cast<std::size_t>(graph.nodes[i].inputs[0].node)]);

  PassResult out;
  std::vector<std::string> names = problem.executor.parameter_names();
  std::vector<Tensor> parameters;
  for (const std::string& name : names) parameters.push_back(problem.executor.weights().at(name));
  std::vector<Tensor> losses;
  for (std::size_t t = 0; t < problem.tasks.size(); ++t) {
    losses.push_back(problem.loss(t, outputs[static_cast<std::size_t>(problem.output_of_task[t])]));
    out.losses.push_back(loss_value(losses.back()));
  }
  if (any_infinite(out.losses)) return out;
  std::vector<std::vector<Tensor>> gradients(names.size(), std::vector<Tensor>(losses.size()));
  for (std::size_t t = 0; t < losses.size(); ++t) {
    if (!losses[t].defined()) continue;
    ++out.backward_passes;
    const std::vector<Tensor> of_task = torch::autograd::grad({losses[t]}, parameters, {}, /*retain_graph=*/true,
                                                              /*create_graph=*/false, /*allow_unused=*/true);
    for (std::size_t p = 0; p < names.size(); ++p) gradients[p][t] = of_task[p];
  }
  for (std::size_t p = 0; p < names.size(); ++p) {
    bool any = false;
    Tensor sum;
    for (std::size_t t = 0; t < losses.size(); ++t) {
      if (!gradients[p][t].defined()) continue;
      any = true;
      accumulate(sum, gradients[p][t] * problem.weights[t]);
    }
    if (!any) continue;
    if (sink.parameter) sink.parameter(names[p], gradients[p]);
    if (total) out.total.emplace(names[p], sum);
  }
  return out;
}

}  // namespace tenfold::mtl_prune
