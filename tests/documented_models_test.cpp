// The models of the documentation's examples, and what is made of them: through every format of config, trained from one
// seed on any number of threads, and with the number of parameters that the pages state.

#include <gtest/gtest.h>

#include <functional>

#include "golden.hpp"
#include "xlayers/framework/base/random.hpp"
#include "xlayers/framework/base/threads.hpp"
#include "xlayers/layers/data_embedding_without_position.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/dropout.hpp"
#include "xlayers/layers/global_pooling.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/layers/layer_normalization.hpp"
#include "xlayers/layers/multi_head_attention.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/token_embedding.hpp"
#include "xlayers/layers/transformer_block.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;

/// A model of the documentation, with what goes in and what should come out.
struct Documented {
  const char* name;
  std::int64_t parameters;
  std::function<Model()> make;
  CompileOptions how;
};

Sequential page_sequential() {
  return {Input({100, 1}), TokenEmbedding({.c_in = 1, .d_model = 64}),
          PositionalEmbedding({.max_len = 100, .d_model = 64}), Dense({.units = 32, .activation = "relu"}),
          Dense({.units = 1})};
}

Model forecaster() {
  const SymbolicTensor inputs = Input({96, 7});
  SymbolicTensor x = TokenEmbedding({.c_in = 7, .d_model = 64})(inputs);
  x = x + PositionalEmbedding({.max_len = 96, .d_model = 64})(x);
  x = MultiHeadAttention({.num_heads = 8, .key_dim = 8})(x, x);
  x = Dense({.units = 128, .activation = "relu"})(x);
  x = Dense({.units = 32, .activation = "relu"})(x);
  return Model(inputs, Dense({.units = 7})(x));
}

Model pipeline() {
  const SymbolicTensor series = Input({96, 7}, {.name = "series"}),
                       mark = Input({96, 5}, {.dtype = "int32", .name = "mark"});
  SymbolicTensor x = DataEmbeddingWithoutPosition({.c_in = 7, .d_model = 64, .dropout = 0.1f})({series, mark});
  x = x + PositionalEmbedding({.max_len = 96, .d_model = 64})(x);
  x = MultiHeadAttention({.num_heads = 8, .key_dim = 8})(x, x);
  x = Dense({.units = 128, .activation = "relu"})(x);
  x = LayerNormalization()(x);
  return Model({series, mark}, Dense({.units = 7})(x));
}

Sequential sequential_blocks() {
  return {Input({12, 8}),
          Dense({.units = 64, .activation = "relu"}),
          TransformerBlock({.dim_model = 64, .num_heads = 4, .ff_units = 128}),
          Dense({.units = 32, .activation = "relu"}),
          TransformerBlock({.dim_model = 32, .num_heads = 2, .ff_units = 64}),
          Dense({.units = 1, .activation = "sigmoid"})};
}

Model functional_blocks() {
  const SymbolicTensor inputs = Input({20, 32});
  SymbolicTensor x = TransformerBlock({.dim_model = 32, .num_heads = 4, .ff_units = 64})(inputs);
  x = Dense({.units = 64, .activation = "relu"})(x);
  x = TransformerBlock({.dim_model = 64, .num_heads = 4, .ff_units = 128})(x);
  x = Dense({.units = 32, .activation = "relu"})(x);
  return Model(inputs, Dense({.units = 1, .activation = "sigmoid"})(x));
}

Model several_outputs() {
  const SymbolicTensor inputs = Input({30, 16});
  SymbolicTensor x = inputs;
  for (int i = 0; i < 2; ++i) x = TransformerBlock({.dim_model = 16, .num_heads = 4, .ff_units = 32})(x);
  x = GlobalAveragePooling1D()(x);
  x = Dropout(0.2)(Dense({.units = 32, .activation = "relu"})(x));
  return Model(inputs, {Dense({.units = 1, .name = "trend"})(x), Dense({.units = 1, .name = "seasonality"})(x),
                        Dense({.units = 1, .activation = "sigmoid", .name = "anomaly"})(x)});
}

Model analysed() {
  const SymbolicTensor inputs = Input({10, 32});
  const SymbolicTensor x = TransformerBlock({.dim_model = 32, .num_heads = 4, .ff_units = 64})(inputs);
  return Model(inputs, Dense({.units = 1, .activation = "sigmoid"})(x));
}

std::vector<Documented> documented() {
  const CompileOptions mse{.optimizer = "adam", .loss = "mse"};
  const CompileOptions binary{.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}};
  const CompileOptions several{.optimizer = "adam",
                               .loss = {{"trend", "mse"}, {"seasonality", "mse"}, {"anomaly", "binary_crossentropy"}},
                               .loss_weights = {{"trend", 1.0}, {"seasonality", 0.5}, {"anomaly", 0.3}}};
  return {{"sequential", 2305, page_sequential, mse},
          {"forecaster", 30663, forecaster, mse},
          {"pipeline", 32327, pipeline, {.optimizer = "adam", .loss = "mse", .metrics = {"mae"}}},
          {"sequential_blocks", -1, sequential_blocks, binary},
          {"functional_blocks", 46241, functional_blocks, binary},
          {"several_outputs", -1, several_outputs, several},
          {"analysed", 8577, analysed, binary}};
}

// Samples for each input: noise, or calendar marks in their columns' ranges.
std::vector<Array> samples_for(const Model& model, std::int64_t count) {
  std::vector<Array> data;
  for (const SymbolicTensor& input : model.inputs()) {
    const Tensor noise = drawn(input.shape().sample().with_batch(count), 5);
    if (input.dtype() == DType::float32) {
      data.push_back(Array(noise));
      continue;
    }
    constexpr std::int32_t first[] = {1, 1, 0, 0, 0}, range[] = {12, 31, 7, 24, 60};
    IntTensor mark = IntTensor::from_shape(noise.shape());
    for (std::size_t i = 0; i < noise.size(); ++i)
      mark.data()[i] = first[i % 5] + static_cast<std::int32_t>((noise.data()[i] + 1) / 2 * range[i % 5]);
    data.push_back(std::move(mark));
  }
  return data;
}

// 0 or 1 for each output, so that it does for any loss.
std::vector<Tensor> targets_for(const Model& model, std::int64_t count) {
  std::vector<Tensor> targets;
  for (const SymbolicTensor& output : model.outputs()) {
    Tensor y = drawn(output.shape().sample().with_batch(count), 6 + targets.size());
    for (float& value : y) value = value > 0 ? 1.0f : 0.0f;
    targets.push_back(std::move(y));
  }
  return targets;
}

TEST(DocumentedModels, ComeBackFromTheirConfigInEveryFormat) {
  for (const Documented& one : documented()) {
    SCOPED_TRACE(one.name);
    const Model model = one.make();
    EXPECT_TRUE(one.parameters < 0 || one.parameters == model.count_params()) << model.count_params();
    model.compile(one.how);
    const std::vector<Array> x = samples_for(model, 3);
    const std::vector<Tensor> y = targets_for(model, 3);
    model.fit(x, y, {.verbose = 0});
    const std::vector<Tensor> forecast = model.predict_all(x);
    const double loss = model.evaluate(x, y).loss();
    const Config config = model.to_config();
    for (const Format format : every_format) {
      const Config read = round_trip(config, format);
      EXPECT_EQ(read, config);
      const Model again = model_from_config(read);
      EXPECT_EQ(again.to_config(), config);
      again.set_weights(model.get_weights());
      EXPECT_TRUE(same_bits(again.predict_all(x), forecast));
      EXPECT_EQ(again.evaluate(x, y).loss(), loss);
    }
  }
}

// Dropout, also of attention, and shuffling are drawn from the seed alone.
TEST(DocumentedModels, TrainToTheSameBitsOnAnyNumberOfThreads) {
  const int before = num_threads();
  for (const Documented& one : documented()) {
    SCOPED_TRACE(one.name);
    const auto train = [&](int threads, std::uint64_t seed) {
      set_num_threads(threads);
      set_random_seed(seed);
      const Model model = one.make();
      model.compile(one.how);
      const std::vector<Array> x = samples_for(model, 21);
      model.fit(x, targets_for(model, 21), {.batch_size = 8, .epochs = 2, .verbose = 0});
      return model.get_weights();
    };
    const std::vector<Tensor> weights = train(1, 4);
    EXPECT_TRUE(same_bits(train(2, 4), weights));
    EXPECT_TRUE(same_bits(train(7, 4), weights));
    EXPECT_FALSE(same_bits(train(2, 5), weights));
  }
  set_num_threads(before);
}

}  // namespace
}  // namespace xl
