// Attention whose scores are too many to be kept: it goes through blocks of queries and keys. Beside the definition, in doubles.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "golden.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/framework/engine/plan.hpp"
#include "xlayers/framework/parts/attention.hpp"
#include "xlayers/xlayers.hpp"

namespace xl {
namespace {

using namespace testing_golden;

struct Lengths {
  Dim T, S, N, H, V;
};

/// What the queries see of the keys.
struct Seen {
  std::string name;
  bool causal = false;
  std::optional<int> window = {};
  bool query_mask = false, key_mask = false, value_mask = false;
  Shape attention_mask = {};  // without the batch; the extents T and S stand as -1
  bool scores = false;
};

struct LongCase {
  std::string name;
  Lengths of;
  Seen seen;
};

std::ostream& operator<<(std::ostream& out, const LongCase& of) { return out << of.name; }

std::vector<LongCase> cases() {
  const std::vector<std::pair<std::string, Lengths>> lengths{
      {"few_that_are_kept", {21, 34, 3, 4, 5}}, {"blocks", {150, 300, 4, 8, 5}},
      {"one_key", {140'000, 1, 1, 2, 2}},       {"one_query", {1, 140'000, 1, 2, 3}},
      {"many_features", {390, 380, 1, 3, 300}}, {"many_queries", {1100, 130, 1, 4, 4}},
      {"many_keys", {70, 9000, 1, 2, 3}},
  };
  const std::vector<Seen> seen{
      {.name = "all"},
      {.name = "scores", .scores = true},
      {.name = "causal", .causal = true},
      {.name = "window", .window = 17},
      {.name = "causal_window_scores", .causal = true, .window = 90, .scores = true},
      {.name = "padding", .key_mask = true},
      {.name = "masks", .query_mask = true, .value_mask = true},
      {.name = "attention_mask", .attention_mask = {-1, -1}},
      {.name = "attention_mask_of_heads_causal",
       .causal = true,
       .key_mask = true,
       .attention_mask = {4, 1, -1},
       .scores = true},
  };
  std::vector<LongCase> all;
  for (const auto& [name, of] : lengths)
    for (const Seen& how : seen) {
      const bool of_heads = how.attention_mask.rank() == 3;
      // Where there are few, but long, sums the masks are those of the others.
      if ((of.T * of.S > 400'000 || of.T == 1 || of.S == 1) && (how.attention_mask.rank() > 0 || how.query_mask))
        continue;
      if (of_heads && of.N != 4) continue;
      all.push_back({name + "_" + how.name, of, how});
    }
  return all;
}

class LongAttention : public testing::TestWithParam<LongCase> {
 protected:
  static constexpr Dim batch = 2;

  LongAttention() {
    const auto& [T, S, N, H, V] = of;
    inputs = {random_normal({batch, T, N, H}, 1), random_normal({batch, S, N, H}, 2),
              random_normal({batch, S, N, V}, 3)};
    for (float& q : inputs[0]) q *= 3.0f;  // so that some keys count much more than others
    dO = random_normal({batch, T, N, V}, 4);
    if (seen.scores) dP = random_normal({batch, N, T, S}, 5);
    const auto mask = [](const Shape& shape, std::uint64_t seed) {
      Tensor of = random_uniform(shape, 0, 1, seed);
      // Runs of steps, as padding has them, and some of whole blocks.
      const Dim steps = shape.back();
      for (std::size_t i = 0; i < of.size(); ++i) {
        const Dim step = static_cast<Dim>(i) % steps;
        of.data()[i] =
            of.data()[i] < 0.2f || (step >= steps / 2 && step < steps / 2 + 140) || step > steps - 30 ? 0.0f : 1.0f;
      }
      return of;
    };
    if (seen.query_mask || seen.key_mask || seen.value_mask)
      masks = {seen.query_mask ? mask({batch, T}, 6) : Tensor::from_shape({}),
               seen.key_mask ? mask({batch, S}, 7) : Tensor::from_shape({}),
               seen.value_mask ? mask({batch, S}, 8) : Tensor::from_shape({})};
    if (seen.attention_mask.rank() > 0) {
      std::vector<Dim> shape{batch};
      for (std::size_t axis = 0; axis < seen.attention_mask.rank(); ++axis) {
        const bool last = axis + 1 == seen.attention_mask.rank();
        shape.push_back(seen.attention_mask[axis] == -1 ? (last ? S : T) : seen.attention_mask[axis]);
      }
      attention_mask = mask(Shape(shape.begin(), shape.end()), 9);
    }
  }

  bool sees(Dim sample, Dim head, Dim t, Dim s) const {
    const auto& [T, S, N, H, V] = of;
    if (seen.causal && s > t) return false;
    if (seen.window && std::abs(t - s) >= *seen.window) return false;
    if (seen.query_mask && masks[0].data()[sample * T + t] == 0) return false;
    if (seen.key_mask && masks[1].data()[sample * S + s] == 0) return false;
    if (seen.value_mask && masks[2].data()[sample * S + s] == 0) return false;
    if (seen.attention_mask.rank() == 2) return attention_mask(sample, t, s) != 0;
    if (seen.attention_mask.rank() == 3) return attention_mask(sample, head, 0, s) != 0;
    return true;
  }

  // The definition: see framework/parts/attention.hpp.
  void compute() {
    const auto& [T, S, N, H, V] = of;
    O = zeros({batch, T, N, V});
    P = seen.scores ? zeros({batch, N, T, S}) : Tensor::from_shape({});
    std::vector<double> dK(static_cast<std::size_t>(batch * S * N * H)),
        dV(static_cast<std::size_t>(batch * S * N * V));
    for (const Tensor& input : inputs) gradients.push_back(zeros(shape(input)));
    const double scale = 1 / std::sqrt(static_cast<double>(H));
    std::vector<double> p(static_cast<std::size_t>(S)), dp(static_cast<std::size_t>(S));
    for (Dim b = 0; b < batch; ++b)
      for (Dim n = 0; n < N; ++n)
        for (Dim t = 0; t < T; ++t) {
          const auto row = [n = n, N = N](const float* x, Dim steps, Dim sample, Dim step, Dim features) {
            return x + ((sample * steps + step) * N + n) * features;
          };
          const float* const q = row(inputs[0].data(), T, b, t, H);
          double most = -std::numeric_limits<double>::infinity(), sum = 0, mean = 0;
          for (Dim s = 0; s < S; ++s) {
            const float* const k = row(inputs[1].data(), S, b, s, H);
            p[s] = -std::numeric_limits<double>::infinity();
            if (!sees(b, n, t, s)) continue;
            p[s] = 0;
            for (Dim h = 0; h < H; ++h) p[s] += scale * q[h] * k[h];
            most = std::max(most, p[s]);
          }
          for (Dim s = 0; s < S; ++s) sum += p[s] = std::isinf(p[s]) ? 0 : std::exp(p[s] - most);
          std::vector<double> o(static_cast<std::size_t>(V)), dq(static_cast<std::size_t>(H));
          const float* const d = row(dO.data(), T, b, t, V);
          for (Dim s = 0; s < S; ++s) {
            if (sum > 0) p[s] /= sum;
            const std::size_t place = static_cast<std::size_t>(((b * N + n) * T + t) * S + s);
            if (seen.scores) P.data()[place] = static_cast<float>(p[s]);
            dp[s] = seen.scores ? static_cast<double>(dP.data()[place]) : 0;
            const float* const v = row(inputs[2].data(), S, b, s, V);
            for (Dim f = 0; f < V; ++f) {
              o[f] += p[s] * v[f];
              dp[s] += static_cast<double>(d[f]) * v[f];
              dV[((b * S + s) * N + n) * V + f] += p[s] * d[f];
            }
            mean += p[s] * dp[s];
          }
          for (Dim s = 0; s < S; ++s) {
            const double ds = scale * p[s] * (dp[s] - mean);
            const float* const k = row(inputs[1].data(), S, b, s, H);
            for (Dim h = 0; h < H; ++h) {
              dq[h] += ds * k[h];
              dK[((b * S + s) * N + n) * H + h] += ds * q[h];
            }
          }
          std::copy(o.begin(), o.end(), O.data() + ((b * T + t) * N + n) * V);
          std::copy(dq.begin(), dq.end(), gradients[0].data() + ((b * T + t) * N + n) * H);
        }
    std::copy(dK.begin(), dK.end(), gradients[1].data());
    std::copy(dV.begin(), dV.end(), gradients[2].data());
  }

  const Lengths of = GetParam().of;
  const Seen seen = GetParam().seen;
  std::vector<Tensor> inputs, masks, gradients;
  Tensor dO, dP, attention_mask, O, P;
};

INSTANTIATE_TEST_SUITE_P(, LongAttention, testing::ValuesIn(cases()), [](const auto& of) { return of.param.name; });

void expect_near(const Tensor& found, const Tensor& expected, const std::string& what) {
  ASSERT_EQ(shape(found), shape(expected)) << what;
  double most = 0, off = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(expected.data()[i])));
    off = std::max(off, std::abs(static_cast<double>(found.data()[i]) - static_cast<double>(expected.data()[i])));
  }
  EXPECT_LE(off, 5e-6 * std::max(1.0, most)) << what;
}

TEST_P(LongAttention, IsTheDefinition) {
  compute();
  const bool given = attention_mask.size() > 1;
  const Layer core = attention_core({.causal = seen.causal,
                                     .sliding_window = seen.window,
                                     .attention_mask = given ? std::optional(DType::float32) : std::nullopt,
                                     .scores = seen.scores,
                                     .name = "core"});
  Data data{inputs[0], inputs[1], inputs[2]};
  if (given) data.push_back(attention_mask);
  const CallOptions options{.masks = masks};
  std::vector<Tensor> output_gradients{dO};
  if (seen.scores) output_gradients.push_back(dP);

  const int threads = num_threads();
  std::vector<Tensor> outputs;
  Gradients first;
  for (const int number : {1, 2, 3}) {
    set_num_threads(number);
    const std::vector<Tensor> y = core.call(data, options);
    const Gradients slopes = xl::gradients(core, data, output_gradients, options);
    if (number == 1) {
      outputs = y;
      first = slopes;
      expect_near(y[0], O, "O");
      if (seen.scores) expect_near(y[1], P, "P");
      for (std::size_t i = 0; i < 3; ++i) expect_near(slopes.inputs[i], gradients[i], "gradient " + std::to_string(i));
    } else {
      EXPECT_TRUE(same_bits(y, outputs)) << number << " threads";
      EXPECT_TRUE(same_bits(slopes.inputs, first.inputs)) << number << " threads";
    }
  }
  set_num_threads(threads);
}

// Twice the steps need twice the memory, whatever goes with them.
TEST(LongAttentionMemory, IsLinearInTheSteps) {
  for (const bool backward : {false, true}) {
    const auto floats = [&](Dim steps) {
      const auto x = Input({steps, 16});
      const MultiHeadAttention attention({.num_heads = 2, .key_dim = 8});
      const Program program = lower({x}, {attention(x, x, {.use_causal_mask = true})});
      const Shape of_one{steps, 16};
      const Plan plan(program, std::span(&of_one, 1), {backward, backward}, 1);
      return static_cast<double>(plan.arena() + plan.wide_arena());
    };
    EXPECT_LE(floats(4096), 2.1 * floats(2048));
    EXPECT_LE(floats(65'536), 8.4 * floats(8192) * 2);  // from long sums on, in doubles
    EXPECT_LE(floats(131'072), 2.1 * floats(65'536));
  }
}

}  // namespace
}  // namespace xl
