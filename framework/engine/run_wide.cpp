#include <algorithm>

#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/engine/runs.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl {

namespace {

constexpr std::int64_t part = 16 * 1024;  // floats

// One chunk of a wide plan on its way.
class Chunk {
 public:
  Chunk(const Plan& plan, PreparedPlan::Memory& memory, const Run& run, int workers, std::int64_t index)
      : plan_(plan), memory_(memory), run_(run), workers_(workers) {
    first_piece_ = plan.first_piece(index);
    pieces_ = plan.first_piece(index + 1) - first_piece_;
    all_.first = plan.first_sample(first_piece_);
    all_.count = plan.first_sample(first_piece_ + pieces_) - all_.first;
    groups_ = std::min(pieces_, plan.groups(run.batch));
  }

  std::int64_t groups() const { return groups_; }

  void forward() {
    if (run_.order != nullptr) each_piece([&](Worker& worker, std::int64_t) { worker.gather_inputs(run_); });
    for (const Plan::Stage& stage : plan_.stages()) {
      if (is_wide(stage))
        whole().forward(run_, stage);
      else
        each_piece([&](Worker& worker, std::int64_t) { worker.forward(run_, stage); });
    }
    each_piece([&](Worker& worker, std::int64_t piece) { worker.visit(run_, piece, worker.penalty(run_)); });
  }

  // Wide operations add to the run's gradients, the others to their group's sums.
  void backward() {
    each_piece([](Worker& worker, std::int64_t) { worker.begin_backward(); });
    const std::int64_t size = plan_.sum_size();
    std::fill_n(memory_.gradients.data(), groups_ * size, 0.0f);
    for (auto stage = plan_.stages().rbegin(); stage != plan_.stages().rend(); ++stage) {
      if (is_wide(*stage)) {
        whole().backward(run_, *stage, run_.gradients);
        continue;
      }
      parallel_for(groups_, workers_, [&](std::int64_t group, int worker) {
        for (std::int64_t i = group * pieces_ / groups_; i < (group + 1) * pieces_ / groups_; ++i)
          at_piece(*memory_.workers[worker], first_piece_ + i)
              .backward(run_, *stage, memory_.gradients.data() + group * size);
      });
    }
    each_piece([&](Worker& worker, std::int64_t) { worker.hand_out_input_gradients(run_); });
  }

 private:
  bool is_wide(const Plan::Stage& stage) const { return plan_.operations()[stage.begin].wide; }

  // A worker that looks at all samples: it calls what shares its work out itself.
  Worker& whole() {
    memory_.workers[0]->look_at(run_, all_);
    return *memory_.workers[0];
  }
  Worker& at_piece(Worker& worker, std::int64_t piece) {
    const std::int64_t first = plan_.first_sample(piece), end = plan_.first_sample(piece + 1);
    worker.look_at(run_, {first, end - first, first - all_.first});
    return worker;
  }
  template <class Visit>
  void each_piece(Visit visit) {
    parallel_for(pieces_, workers_, [&](std::int64_t i, int worker) {
      visit(at_piece(*memory_.workers[worker], first_piece_ + i), first_piece_ + i);
    });
  }

  const Plan& plan_;
  PreparedPlan::Memory& memory_;
  const Run& run_;
  const int workers_;
  std::int64_t first_piece_ = 0, pieces_ = 0, groups_ = 0;
  SampleRange all_;
};

// result = result + the sums of the groups, each weight's to its place
void add_sums(const Plan& plan, const Program& program, const float* sums, std::int64_t groups, float* result) {
  for (std::size_t i = 0; i < program.weights.size(); ++i) {
    const std::int64_t place = plan.sum_place(static_cast<int>(i));
    if (place < 0) continue;
    float* const to = result + program.weights[i].gradient;
    parallel_ranges(program.weights[i].weight->size(), part, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t group = 0; group < groups; ++group)
        kernels::add(end - begin, sums + group * plan.sum_size() + place + begin, to + begin);
    });
  }
}

}  // namespace

void run_wide(const Plan& plan, const Program& program, PreparedPlan::Memory& memory, const Run& run, int workers) {
  if (run.gradients != nullptr)
    parallel_ranges(program.gradient_size, part, [&](std::int64_t begin, std::int64_t end) {
      std::fill(run.gradients + begin, run.gradients + end, 0.0f);
    });
  for (std::int64_t index = 0; index < plan.chunks(); ++index) {
    Chunk chunk(plan, memory, run, workers, index);
    chunk.forward();
    if (run.gradients == nullptr) continue;
    chunk.backward();
    add_sums(plan, program, memory.gradients.data(), chunk.groups(), run.gradients);
  }
}

}  // namespace xl
