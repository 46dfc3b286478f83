#include "xlayers/framework/engine/plan.hpp"

#include <algorithm>

#include "xlayers/framework/engine/plan_builder.hpp"
#include "xlayers/framework/kernels/long_sums.hpp"

namespace xl {

namespace {

// With at least this many samples there are this many pieces: enough work for the threads there are.
constexpr std::int64_t wanted_pieces = 16;
constexpr std::int64_t most_groups = 16;

}  // namespace

Plan::Plan(const Program& program, std::span<const Shape> inputs, RunMode mode, std::int64_t batch)
    : program_(program), inputs_(inputs.begin(), inputs.end()), mode_(mode), batch_(batch) {
  Builder(*this, program).build();
}

bool Plan::is_for(std::span<const Shape> inputs, RunMode mode, std::int64_t batch) const {
  if (mode_ != mode || !std::equal(inputs.begin(), inputs.end(), inputs_.begin(), inputs_.end())) return false;
  if (wide_) return batch_ == batch;
  return std::none_of(heavy_layers_.begin(), heavy_layers_.end(),
                      [&](const HeavyLayer& layer) { return goes_wide(layer, batch); });
}

// Deep, a heavy layer's weights are read for each piece, and each group has a sum of their gradients. Wide, its inputs and
// outputs leave the cache. The smaller of both it is.
bool Plan::goes_wide(const HeavyLayer& layer, std::int64_t batch) const {
  const std::int64_t passes = mode_.backward ? plan_limits().passes_over_a_sum * groups(batch) : pieces(batch);
  return passes * layer.weights > batch * layer.flowing;
}

std::int64_t Plan::pieces(std::int64_t batch) const {
  const std::int64_t samples = std::min(capacity_, divide_up(batch, wanted_pieces));
  return divide_up(batch, std::max<std::int64_t>(1, samples));
}

std::int64_t Plan::groups(std::int64_t batch) const { return std::min(pieces(batch), most_groups); }

int Plan::workers(std::int64_t batch, int threads) const {
  return static_cast<int>(std::clamp<std::int64_t>(mode_.backward ? groups(batch) : pieces(batch), 1, threads));
}

bool Plan::has_long_sums(std::int64_t batch) const {
  return mode_.backward && !wide_ && pieces(batch) > groups(batch) * kernels::chain;
}

std::int64_t Plan::floats(std::int64_t batch, int workers) const {
  const std::int64_t sums = mode_.backward ? groups(batch) * sum_size_ : 0;
  const std::int64_t totals = has_long_sums(batch) ? 2 * sum_size_ * workers : 0;
  return arena_ * workers + shared_arena_ + wide_arena_ + sums + totals;
}

std::int64_t Plan::first_piece(std::int64_t chunk) const { return chunk * pieces(batch_) / chunks_; }
std::int64_t Plan::first_sample(std::int64_t piece) const { return piece * batch_ / pieces(batch_); }

}  // namespace xl
