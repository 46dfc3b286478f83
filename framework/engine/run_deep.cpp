#include <algorithm>

#include "xlayers/framework/base/parallel.hpp"
#include "xlayers/framework/engine/runs.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"
#include "xlayers/framework/kernels/vector.hpp"

namespace xl {

namespace {

// A tree: first each group takes its neighbour's sum, then every second that of the group two further on, and
// so on. Parts of the gradient are independent of one another.
void reduce_gradients(std::int64_t size, float* group_sums, std::int64_t groups, float* result) {
  constexpr std::int64_t part = 16 * 1024;
  parallel_ranges(size, part, [&](std::int64_t begin, std::int64_t end) {
    float* const sums = group_sums + begin;
    for (std::int64_t step = 1; step < groups; step *= 2)
      for (std::int64_t group = 0; group + step < groups; group += 2 * step)
        kernels::add(end - begin, sums + (group + step) * size, sums + group * size);
    std::copy_n(sums, end - begin, result + begin);
  });
}

}  // namespace

void run_deep(const Plan& plan, PreparedPlan::Memory& memory, const Run& run, int workers) {
  const std::int64_t pieces = plan.pieces(run.batch);
  const std::int64_t groups = run.gradients != nullptr ? plan.groups(run.batch) : pieces;
  const bool long_sums = plan.has_long_sums(run.batch);
  const std::int64_t size = plan.sum_size();
  if (long_sums && memory.totals.size() < 2 * size * workers) memory.totals = AlignedFloats(2 * size * workers);

  const auto run_group = [&](std::int64_t group, int worker) {
    const std::int64_t first = group * pieces / groups, end = (group + 1) * pieces / groups;
    float* gradients = nullptr;
    double* totals = nullptr;
    if (run.gradients != nullptr) {
      gradients = memory.gradients.data() + group * size;
      std::fill_n(gradients, size, 0.0f);
    }
    if (long_sums) {
      totals = reinterpret_cast<double*>(memory.totals.data()) + worker * size;
      std::fill_n(totals, size, 0.0);
    }
    for (std::int64_t index = first; index < end; ++index) {
      memory.workers[worker]->run_piece(run, index, pieces, gradients);
      const std::int64_t done = index + 1 - first;
      if (long_sums && (done % kernels::chain == 0 || index + 1 == end))
        kernels::move_to_doubles(size, gradients, totals);
    }
    if (long_sums) std::transform(totals, totals + size, gradients, [](double x) { return static_cast<float>(x); });
  };
  parallel_for(groups, workers, run_group);
  if (groups > 0 && run.gradients != nullptr) reduce_gradients(size, memory.gradients.data(), groups, run.gradients);
}

}  // namespace xl
