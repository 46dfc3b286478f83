#include "xlayers/layers/multi_head_attention.hpp"

#include <gmock/gmock.h>

#include "golden.hpp"
#include "xlayers/framework/errors.hpp"
#include "xlayers/framework/gradients.hpp"
#include "xlayers/framework/random.hpp"
#include "xlayers/framework/threads.hpp"
#include "xlayers/layers/input.hpp"

namespace xl {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing_golden::drawn;

template <class Error = Error>
std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no such error";
}

Tensor tensor(std::vector<std::size_t> shape, const std::vector<double>& values) {
  Tensor result = Tensor::from_shape(shape);
  std::copy(values.begin(), values.end(), result.begin());
  return result;
}

void expect_near(const Tensor& tensor, const std::vector<double>& expected, double tolerance = 1e-6) {
  ASSERT_EQ(tensor.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(tensor.data()[i], expected[i], tolerance * std::max(1.0, std::abs(expected[i]))) << "element " << i;
}

// ---- the numbers of keras_reference.md's kind: real outputs of Keras 3.15.1 in float32

struct Example : testing::Test {
  Example() {
    x = Tensor::from_shape({1, 3, 4});
    for (int i = 0; i < 12; ++i) x.data()[i] = static_cast<float>(i % 6 - 2) / 2;
    mha.call({x, x});
    std::vector<Tensor> weights = mha.get_weights();
    const auto fill = [&](int weight, auto value) {
      for (std::size_t i = 0; i < weights[weight].size(); ++i)
        weights[weight].data()[i] = static_cast<float>(value(static_cast<int>(i)));
    };
    fill(0, [](int i) { return (i % 5 - 2) / 4.0; });
    fill(2, [](int i) { return (3 * i % 7 - 3) / 4.0; });
    fill(4, [](int i) { return (i % 3 - 1) / 2.0; });
    fill(6, [](int i) { return (i % 7 - 3) / 4.0; });
    const double biases[] = {0.125, -0.25, 0.5, 0.0625};
    for (int i = 0; i < 4; ++i) fill(2 * i + 1, [&](int) { return biases[i]; });
    mha.set_weights(weights);
  }

  Tensor x;
  MultiHeadAttention mha{{.num_heads = 2, .key_dim = 2}};
};

TEST_F(Example, HasTheOutputAndTheScoresOfKeras) {
  const auto [y, scores] = mha.with_scores(x, x);
  expect_near(y, {-.23983568, .013957813, .3503651, -.20971194, .44120187, 1.0611364, .8898258, -1.1412789, -.24679926,
                  -.0059470236, .38796797, -.20693243});
  ASSERT_EQ(shape(scores), (Shape{1, 2, 3, 3}));
  expect_near(scores,
              {.41411898, .14337926, .4425018, .10108348, .84325296, .05566355, .4381957, .15171526, .41008908,
               .12909405, .7235097, .14739615, .51365125, .10937129, .37697744, .09667392, .77160287, .13172324});
  EXPECT_EQ(mha(x, x), y);
}

TEST_F(Example, IsCausal) {
  expect_near(mha(x, x, {.use_causal_mask = true}), {-.3125, .25, -.5, -.375, .64819056, 1.2564793, .85947955,
                                                     -1.3137468, -.24679926, -.0059470236, .38796797, -.20693243});
}

// A query that sees no key gives 0, and so the bias of the output: as Keras' explicit path.
TEST_F(Example, GivesTheBiasToAQueryThatSeesNoKey) {
  const IntTensor mask{{{1, 1, 0}, {0, 0, 0}, {1, 0, 1}}};
  expect_near(mha(x, x, {.attention_mask = mask}), {-.23531589, .041111365, .49006838, -.34611055, .0625, .0625, .0625,
                                                    .0625, -.41957694, .08249387, -.2232975, -.15872669});
  const auto [y, scores] = mha.with_scores(x, x, {.attention_mask = mask});
  for (int head = 0; head < 2; ++head)
    for (int s = 0; s < 3; ++s) EXPECT_EQ(scores(0, head, 1, s), 0.0f);
}

}  // namespace
}  // namespace xl
