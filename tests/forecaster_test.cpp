// The forecaster of TokenEmbedding's page, trained on ETTh1 from the weights that Keras drew.

#include <gtest/gtest.h>

#include "golden.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/multi_head_attention.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/token_embedding.hpp"
#include "xlayers/models/data/csv.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {
namespace {

using namespace testing_golden;

constexpr std::int64_t steps = 96, columns = 7;

// Window n of the series, from hour 24 n + ahead on.
Tensor windows(const Json& run, std::int64_t ahead) {
  const auto center = run.at("center").get<std::vector<double>>(), scale = run.at("scale").get<std::vector<double>>();
  const Table table = read_csv(XLAYERS_SOURCE_DIR "/examples/data/ETTh1.csv");
  const std::int64_t count = run.at("windows");
  Tensor result = empty({count, steps, columns});
  for (std::int64_t n = 0; n < count; ++n)
    for (std::int64_t t = 0; t < steps; ++t)
      for (std::int64_t c = 0; c < columns; ++c)
        result(n, t, c) = static_cast<float>((table.values(24 * n + ahead + t, c) - center[c]) / scale[c]);
  return result;
}

Model forecaster() {
  const SymbolicTensor inputs = Input({steps, columns});
  SymbolicTensor x = TokenEmbedding({.c_in = columns, .d_model = 64})(inputs);
  x = x + PositionalEmbedding({.max_len = steps, .d_model = 64, .layout = "halves"})(x);
  x = MultiHeadAttention({.num_heads = 8, .key_dim = 8})(x, x);
  x = Dense({.units = 128, .activation = "relu"})(x);
  x = Dense({.units = 32, .activation = "relu"})(x);
  return Model(inputs, Dense({.units = columns})(x));
}

// As KerasFactory has it: its positions stand in two halves.
TEST(Forecaster, HasTheLossOfKerasInEveryEpoch) {
  const Json& run = golden("forecaster");
  const Tensor x = windows(run, 0), y = windows(run, steps);
  const Model model = forecaster();
  ASSERT_EQ(model.count_params(), 30663);
  model.set_weights(tensors(run.at("initial")));
  model.compile({.optimizer = "adam", .loss = "mse"});
  const History history = model.fit(x, y, {.batch_size = 32, .epochs = 10, .verbose = 0, .shuffle = false});
  const auto losses = run.at("loss").get<std::vector<double>>();
  double most = 0.0;
  for (std::size_t i = 0; i < losses.size(); ++i)
    most = std::max(most, std::abs(history.history.at("loss")[i] - losses[i]) / losses[i]);
  RecordProperty("largest_relative_deviation", testing::PrintToString(most));
  // Both sides train in float32: a sum in another order moves a unit of relu over its edge some epochs sooner or later.
  EXPECT_LE(most, 2e-4);
  const Tensor forecast = model.predict(samples(x, 0, 1));
  const Tensor truth = tensor(run.at("prediction"));
  for (std::size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(forecast.data()[i], truth.data()[i], 2e-3);
}

}  // namespace
}  // namespace xl
