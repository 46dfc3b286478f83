// Bad input: each a clear error, in full, and afterwards everything is as it was.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "golden.hpp"
#include "xlayers/framework/engine/gradients.hpp"
#include "xlayers/framework/graph/registry.hpp"
#include "xlayers/layers/activation.hpp"
#include "xlayers/layers/conv1d.hpp"
#include "xlayers/layers/dense.hpp"
#include "xlayers/layers/positional_embedding.hpp"
#include "xlayers/layers/token_embedding.hpp"
#include "xlayers/models/model/sequential.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// ---- layers ---------------------------------------------------------------------------------------------

TEST(BadInput, OfADenseLayer) {
  const Dense dense({.units = 3, .name = "dense_1"});
  const Tensor x = drawn({2, 100, 64}, 1);
  const Tensor y = dense(x);
  EXPECT_EQ(error_of<ShapeError>([&] {
              dense(zeros({2, 100, 63}));
            }),
            "[Dense 'dense_1'] expected an input whose last axis is 64, got (None, 100, 63)");
  EXPECT_EQ(error_of<ShapeError>([&] { dense(zeros({2})); }),
            "[Dense 'dense_1'] expected an input of rank 2 or more (batch axis included), got (None,)");
  EXPECT_EQ(error_of<ShapeError>([&] { dense(Tensor(3.0f)); }),
            "[Dense 'dense_1'] expected an input with a batch axis, got ()");
  EXPECT_EQ(error_of<ShapeError>([&] { dense({x, x}); }), "[Dense 'dense_1'] takes one input, got 2");
  EXPECT_EQ(error_of<ShapeError>([&] {
              dense({x, drawn({3, 100, 64}, 1)});
            }),
            "[Dense 'dense_1'] expected inputs of equal batch sizes, got (2, 100, 64) and (3, 100, 64)");
  EXPECT_EQ(error_of<ShapeError>([&] { dense(Input({64}, {.dtype = "int32"})); }),
            "[Dense 'dense_1'] expected a float32 input, got int32");
  EXPECT_EQ(error_of<ShapeError>([&] {
              dense(Input({64, None}));
            }),
            "[Dense 'dense_1'] expected an input whose last axis is known, got (None, 64, None)");
  EXPECT_EQ(error_of<ShapeError>([&] {
              gradients(dense, {x}, zeros({2, 100, 4}));
            }),
            "[Dense 'dense_1'] expected an output gradient (2, 100, 3), got (2, 100, 4)");
  EXPECT_TRUE(same_bits(dense(x), y));

  for (const int units : {0, -7})
    EXPECT_EQ(error_of<ValueError>([&] { Dense({.units = units, .name = "out"}); }),
              "[Dense 'out'] expected units of 1 or more, got " + std::to_string(units));
  EXPECT_EQ(error_of<ValueError>([] { Dense(); }), "[Dense] expected units of 1 or more, got 0");
}

TEST(BadInput, OfAConvolution) {
  const auto conv = [](Conv1D::Options options) {
    options.name = "conv";
    return Conv1D(options);
  };
  const Conv1D three = conv({.filters = 4, .kernel_size = 5});
  three(zeros({2, 9, 3}));
  EXPECT_EQ(error_of<ShapeError>([&] {
              three(zeros({2, 9}));
            }),
            "[Conv1D 'conv'] expected an input of rank 3 or more (batch axis included), got (None, 9)");
  EXPECT_EQ(error_of<ShapeError>([&] {
              three(zeros({2, 9, 3, 1}));
            }),
            "[Conv1D 'conv'] expected an input (batch, steps, channels), got (None, 9, 3, 1)");
  EXPECT_EQ(error_of<ShapeError>([&] {
              three(zeros({2, 9, 4}));
            }),
            "[Conv1D 'conv'] expected an input whose last axis is 3, got (None, 9, 4)");
  EXPECT_EQ(error_of<ShapeError>([&] {
              three(zeros({2, 4, 3}));
            }),
            "[Conv1D 'conv'] expected an input of 5 steps or more (the kernel's window, with padding \"valid\"), "
            "got (None, 4, 3)");
  EXPECT_EQ(error_of<ShapeError>([&] {
              conv({.filters = 1, .kernel_size = 9, .padding = "circular"})(zeros({1, 3, 1}));
            }),
            "[Conv1D 'conv'] expected an input of 4 steps or more (with padding \"circular\" a window goes round once "
            "at most), got (None, 3, 1)");
  EXPECT_EQ(error_of<ShapeError>([&] {
              conv({.filters = 4, .kernel_size = 1, .groups = 2})(zeros({1, 9, 3}));
            }),
            "[Conv1D 'conv'] expected an input whose channels are a multiple of groups = 2, got (None, 9, 3)");

  EXPECT_EQ(error_of<ValueError>([&] { conv({.filters = 0, .kernel_size = 1}); }),
            "[Conv1D 'conv'] expected filters of 1 or more, got 0");
  EXPECT_EQ(error_of<ValueError>([&] { conv({.filters = 1}); }),
            "[Conv1D 'conv'] expected kernel_size of 1 or more, got 0");
  EXPECT_EQ(error_of<ValueError>([&] { conv({.filters = 1, .kernel_size = 1, .strides = -1}); }),
            "[Conv1D 'conv'] expected strides of 1 or more, got -1");
  EXPECT_EQ(error_of<ValueError>([&] { conv({.filters = 3, .kernel_size = 1, .groups = 2}); }),
            "[Conv1D 'conv'] expected filters to be a multiple of groups, got filters = 3, groups = 2");
  EXPECT_EQ(error_of<ValueError>([&] { conv({.filters = 1, .kernel_size = 2, .strides = 2, .dilation_rate = 3}); }),
            "[Conv1D 'conv'] expected strides or dilation_rate to be 1, got 2 and 3");
  EXPECT_EQ(error_of<ValueError>([&] { conv({.filters = 1, .kernel_size = 2, .padding = "full"}); }),
            "[Conv1D 'conv'] unknown padding 'full'; known are valid, same, causal, circular");
}

TEST(BadInput, OfATokenEmbedding) {
  const TokenEmbedding embedding({.c_in = 3, .d_model = 8, .name = "tokens"});
  EXPECT_EQ(error_of<ShapeError>([&] {
              embedding(zeros({2, 10, 5}));
            }),
            "[TokenEmbedding 'tokens'] expected an input (batch, steps, c_in = 3), got (None, 10, 5)");
  EXPECT_FALSE(embedding.built());
  EXPECT_EQ(error_of<ShapeError>([&] {
              embedding(zeros({2, 3}));
            }),
            "[TokenEmbedding 'tokens'] expected an input of rank 3 or more (batch axis included), got (None, 3)");
  embedding(zeros({2, 10, 3}));
  EXPECT_EQ(error_of<ShapeError>([&] {
              embedding(zeros({2, 10, 1}));
            }),
            "[TokenEmbedding 'tokens'] expected an input (batch, steps, c_in = 3), got (None, 10, 1)");
  EXPECT_EQ(error_of<ValueError>([] { TokenEmbedding({.c_in = 0, .d_model = 8}); }),
            "[TokenEmbedding] expected c_in and d_model of 1 or more, got 0 and 8");
  EXPECT_EQ(error_of<ValueError>([] { TokenEmbedding({.c_in = 1, .d_model = 8, .padding = "valid"}); }),
            "[TokenEmbedding] unknown padding 'valid'; known are same, causal, circular");
}

TEST(BadInput, OfAPositionalEmbedding) {
  const PositionalEmbedding embedding({.max_len = 100, .d_model = 8, .name = "positions"});
  const std::string too_long =
      "[PositionalEmbedding 'positions'] expected at most max_len = 100 steps (extrapolate = "
      "true serves any number), got (None, 128, 8)";
  EXPECT_EQ(error_of<ShapeError>([&] { embedding(zeros({1, 128, 8})); }), too_long);
  EXPECT_EQ(error_of<ShapeError>([&] { embedding(Input({128, 8})); }), too_long);
  EXPECT_EQ(shape(embedding(zeros({1, 100, 8}))), Shape({1, 100, 8}));
  // Also where the number of steps is only known with the data.
  const Sequential model{Input({None, 8}), embedding};
  EXPECT_EQ(error_of<ShapeError>([&] { model.predict(zeros({1, 128, 8})); }), too_long);
  EXPECT_EQ(shape(model.predict(zeros({2, 99, 8}))), Shape({2, 99, 8}));

  // extrapolate serves it, and the rows up to max_len are the same.
  const PositionalEmbedding any({.max_len = 100, .d_model = 8, .extrapolate = true});
  const Tensor rows = any(zeros({1, 128, 8})), first = embedding(zeros({1, 100, 8}));
  EXPECT_EQ(shape(rows), Shape({1, 128, 8}));
  EXPECT_TRUE(std::equal(first.begin(), first.end(), rows.begin()));

  EXPECT_EQ(error_of<ShapeError>([&] {
              Sequential({Input({9, 4}), embedding});
            }),
            "[PositionalEmbedding 'positions'] expected an input (batch, seq_len, d_model = 8), to which the encoding "
            "is added, got (None, 9, 4)");
  EXPECT_EQ(error_of<ValueError>([] { PositionalEmbedding({.max_len = 0, .d_model = 8}); }),
            "[PositionalEmbedding] expected max_len and d_model of 1 or more, got 0 and 8");
  EXPECT_EQ(error_of<ValueError>([] { PositionalEmbedding({.layout = "mixed"}); }),
            "[PositionalEmbedding] unknown layout 'mixed'; known are interleaved, halves");
  EXPECT_EQ(error_of<ValueError>([] { PositionalEmbedding({.merge_mode = "sum"}); }),
            "[PositionalEmbedding] unknown merge_mode 'sum'; known are auto, add, none");
  for (const float bad : {NAN, 0.0f, -1.0f, INFINITY})
    EXPECT_THAT(error_of<ValueError>([&] { PositionalEmbedding({.max_wavelength = bad}); }),
                StartsWith("[PositionalEmbedding] expected a max_wavelength from 1 to 1e30, got "));
}

TEST(BadInput, OfAnInput) {
  EXPECT_EQ(error_of<ShapeError>([] { Input({-3}); }), "an axis has an extent of 0 or more, or None, got -3");
  EXPECT_EQ(error_of<ValueError>([] { Input({3}, {.dtype = "int64"}); }),
            "unknown dtype 'int64'; known are float32, int32");
}

// ---- names ----------------------------------------------------------------------------------------------

TEST(BadInput, AnUnknownNameIsAnErrorThatListsTheKnownOnes) {
  EXPECT_THAT(error_of<ValueError>([] { Dense({.units = 1, .activation = "rellu"}); }),
              AllOf(StartsWith("unknown activation 'rellu'; known are "), HasSubstr(" relu, relu6, "),
                    HasSubstr(" tanh, "), HasSubstr(" swish")));
  EXPECT_EQ(error_of<ValueError>([] { Activation(Activation::Options{}); }),
            "[Activation] expected the name of an activation, got none");
  EXPECT_THAT(error_of<ValueError>([] { Dense({.units = 1, .kernel_initializer = "glorot"}); }),
              AllOf(StartsWith("unknown initializer 'glorot'; known are "), HasSubstr("glorot_uniform, ")));
  EXPECT_EQ(error_of<ValueError>([] { Dense({.units = 1, .kernel_regularizer = "l3"}); }),
            "unknown regularizer 'l3'; known are L1, l1, L2, l2, L1L2, l1_l2, l1l2");
  EXPECT_EQ(
      error_of<ValueError>([] { Dense({.units = 1, .kernel_constraint = "maximum"}); }),
      "unknown constraint 'maximum'; known are MaxNorm, max_norm, MinMaxNorm, min_max_norm, NonNeg, non_neg, UnitNorm, "
      "unit_norm");

  const Sequential model{Input({2}), Dense({.units = 1})};
  EXPECT_EQ(error_of<ValueError>([&] { model.compile({.optimizer = "adamm", .loss = "mse"}); }),
            "unknown optimizer 'adamm'; known are Adam, AdamW, RMSprop, SGD");
  EXPECT_THAT(error_of<ValueError>([&] { model.compile({.optimizer = "adam", .loss = "mes"}); }),
              AllOf(StartsWith("unknown loss 'mes'; known are "), HasSubstr(" mse, "), HasSubstr(" huber")));
  EXPECT_THAT(error_of<ValueError>([&] { model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"acy"}}); }),
              AllOf(StartsWith("unknown metric 'acy'; known are "), HasSubstr(" rmse")));
  EXPECT_FALSE(model.compiled());
}

// ---- configs --------------------------------------------------------------------------------------------

TEST(BadInput, InAConfig) {
  const auto dense = [](Config config) { return error_of<ValueError>([&] { Dense::from_config(config); }); };
  EXPECT_EQ(dense({{"name", "hidden"}, {"units", 3}, {"unitz", 4}}),
            "[Dense 'hidden'] unknown option 'unitz'; the options are name, trainable, dtype, activity_regularizer, "
            "units, activation, use_bias, kernel_initializer, bias_initializer, kernel_regularizer, "
            "bias_regularizer, kernel_constraint, bias_constraint, quantization_config");
  EXPECT_EQ(dense({{"name", "hidden"}}), "[Dense 'hidden'] expected units of 1 or more, got 0");
  EXPECT_THAT(dense({{"units", "three"}}), HasSubstr("option 'units': expected an integer, got \"three\""));
  EXPECT_THAT(dense({{"units", 2.5}}), HasSubstr("option 'units': expected an integer, got 2.5"));
  EXPECT_THAT(dense({{"units", nullptr}}), HasSubstr("option 'units': expected an integer, got null"));
  EXPECT_THAT(dense({{"units", 5000000000}}),
              HasSubstr("option 'units': expected an integer of 32 bits, got 5000000000"));
  EXPECT_THAT(dense({{"units", 3}, {"use_bias", 1}}), HasSubstr("option 'use_bias': expected true or false, got 1"));
  EXPECT_THAT(dense({{"units", 3}, {"activation", 7}}),
              AllOf(HasSubstr("option 'activation': expected an activation"), HasSubstr(", got 7")));
  EXPECT_THAT(dense({{"units", 3}, {"activation", "rellu"}}),
              HasSubstr("option 'activation': unknown activation 'rellu'; known are "));
  EXPECT_THAT(dense({{"units", 3}, {"kernel_initializer", "he"}}),
              HasSubstr("option 'kernel_initializer': unknown initializer 'he'; known are "));
  EXPECT_THAT(
      dense({{"units", 3}, {"dtype", "float64"}}),
      HasSubstr("option 'dtype': expected \"float32\", the only dtype that layers compute in, got \"float64\""));
  EXPECT_THAT(
      dense({{"units", 3}, {"kernel_regularizer", Config{{"class_name", "L2"}, {"config", Config{{"l2", NAN}}}}}}),
      HasSubstr("expected a finite number, got NaN"));
  for (const double bad : {static_cast<double>(NAN), static_cast<double>(INFINITY), 1e300})
    EXPECT_THAT(error_of<ValueError>([&] {
                  PositionalEmbedding::from_config({{"max_wavelength", bad}});
                }),
                AllOf(HasSubstr("[PositionalEmbedding] option 'max_wavelength': expected a "),
                      HasSubstr(", got " + Value(bad).to_text())));

  EXPECT_THAT(error_of<ValueError>([] {
                layer_from_config({{"class_name", "Densee"}, {"config", Config{}}});
              }),
              AllOf(StartsWith("unknown layer class 'Densee'; known are Activation, "), HasSubstr(" Conv1D, "),
                    HasSubstr(" Dense, "), HasSubstr(" PositionalEmbedding, "), HasSubstr(" TokenEmbedding")));
  EXPECT_EQ(error_of<ValueError>([] {
              layer_from_config({{"class_name", "Dense"}, {"config", 3}});
            }),
            "the config of a layer of class 'Dense' is an object, got 3");
  EXPECT_EQ(error_of<ValueError>([] {
              layer_from_config({{"config", Config{}}});
            }),
            "no key 'class_name' in the config; its keys are config");
}

TEST(BadInput, ConfigsAndArchivesOfAnotherClass) {
  const Dense dense({.units = 2, .name = "dense"});
  const Conv1D conv({.filters = 1, .kernel_size = 2, .name = "conv"});
  for (const Format format : every_format) {
    EXPECT_THAT(error_of<ValueError>([&] { Dense::from_config(round_trip(conv.get_config(), format)); }),
                StartsWith("[Dense 'conv'] unknown option 'filters'; the options are name, "));
    EXPECT_EQ(error_of<ValueError>([&] { Sequential::from_config(round_trip(dense.get_config(), format)); }),
              "[Sequential] unknown option 'units'; the options are name, trainable, dtype, layers, build_input_shape");
    EXPECT_THAT(error_of<ValueError>([&] { model_from_config(round_trip(layer_to_config(dense), format)); }),
                StartsWith("expected the config of a model, got that of the layer [Dense 'dense']"));
  }
  EXPECT_EQ(error_of<ValueError>([&] { Sequential{Layer(dense)}.get_layer("other"); }).substr(0, 12), "[Sequential ");
}

TEST(BadInput, ArchivesCutShort) {
  const Sequential model{Input({4, 2}), Dense({.units = 3, .activation = "relu"}), Dense({.units = 1})};
  model.compile({.optimizer = "adam", .loss = "mse"});
  for (const Format format : every_format) {
    std::ostringstream out;
    save_config(out, model.to_config(), format);
    const std::string bytes = out.str();
    for (std::size_t length = 0; length < bytes.size(); length += 1 + bytes.size() / 40) {
      std::istringstream in(bytes.substr(0, length));
      EXPECT_THAT(error_of<SerializationError>([&] { load_config(in, format); }), StartsWith("cannot read a config"))
          << length;
    }
    if (format == Format::json) continue;
    std::istringstream in(bytes.substr(0, bytes.size() - 5));
    EXPECT_THAT(error_of<SerializationError>([&] { load_config(in, format); }),
                AllOf(HasSubstr("it is cut short, "), HasSubstr(" bytes were written and ")));
  }
  EXPECT_THAT(error_of<SerializationError>([] { model_from_json("{\"class_name\": "); }),
              StartsWith("cannot read a config from JSON: parse error at line 1, column 16"));
  EXPECT_EQ(error_of<SerializationError>([] { model_from_json("[1]"); }),
            "cannot read a config from JSON: expected an object {...}, got [1]");
}

TEST(BadInput, InHowASavedModelIsCompiled) {
  const Sequential model{Input({2}), Dense({.units = 1})};
  model.compile({.optimizer = "adam", .loss = "mse"});
  const auto with = [&](const char* key, Value value) {
    Config object = model.to_config(), compiled = object.at("compile_config").as_config();
    compiled.set(key, std::move(value));
    object.set("compile_config", compiled);
    return error_of<ValueError>([&] { model_from_config(object); });
  };
  EXPECT_EQ(with("loss", "mse"), "no error");
  EXPECT_THAT(with("loss", "hinge"), StartsWith("unknown loss 'hinge'; known are "));
  EXPECT_THAT(with("optimizer", "lion"), StartsWith("unknown optimizer 'lion'; known are Adam, AdamW, RMSprop, SGD"));
  EXPECT_THAT(with("metrics", Value::List{"acuracy"}), StartsWith("unknown metric 'acuracy'; known are "));
  EXPECT_THAT(with("weighted_metrics", Value::List{"mea"}), StartsWith("unknown metric 'mea'; known are "));
  EXPECT_THAT(with("loss_weights", "two"), HasSubstr("two"));
  const std::string name = model.output_names()[0];
  EXPECT_EQ(with("loss", Config{{"head", "mse"}}),
            model.base().label() + "compile: a loss for 'head', which is no output; the outputs are " + name);
  EXPECT_EQ(with("loss", Value::List{"mse", "mse"}),
            model.base().label() + "compile: a loss for 2 outputs; the outputs are " + name);
}

// ---- models ---------------------------------------------------------------------------------------------

/// A model, data for it, and a look at everything that must not change.
class BadCall : public testing::Test {
 protected:
  const Sequential model{{Input({4, 2}), Dense({.units = 3, .activation = "relu"}), Dense({.units = 1})}, "model"};
  const Tensor x = drawn({6, 4, 2}, 1), y = drawn({6, 4, 1}, 2);

  void SetUp() override {
    model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
    model.fit(x, y, {.verbose = 0});
    weights_ = model.get_weights();
    config_ = model.to_config();
    forecast_ = model.predict(x);
    steps_ = model.optimizer().iterations();
  }

  void expect_unchanged() const {
    EXPECT_TRUE(same_bits(model.get_weights(), weights_));
    EXPECT_EQ(model.to_config(), config_);
    EXPECT_TRUE(same_bits(model.predict(x), forecast_));
    EXPECT_EQ(model.optimizer().iterations(), steps_);
  }

  // It is still usable too.
  void TearDown() override {
    expect_unchanged();
    EXPECT_GT(model.fit(x, y, {.verbose = 0}).history.at("loss")[0], 0.0);
    EXPECT_FALSE(same_bits(model.get_weights(), weights_));
  }

  template <class Kind, class Call>
  void expect(Call call, const std::string& text) const {
    EXPECT_EQ(error_of<Kind>(call), "[Sequential 'model'] " + text);
    expect_unchanged();
  }

 private:
  std::vector<Tensor> weights_;
  Config config_;
  Tensor forecast_;
  std::int64_t steps_ = 0;
};

TEST_F(BadCall, OptionsOutOfRange) {
  const auto fit = [&](FitOptions options, const std::string& text) {
    if (options.verbose == 1) options.verbose = 0;
    expect<ValueError>([&] { model.fit(x, y, options); }, text);
  };
  fit({.batch_size = 0}, "expected a batch_size of 1 or more, got 0");
  fit({.batch_size = -8}, "expected a batch_size of 1 or more, got -8");
  expect<ValueError>([&] { model.evaluate(x, y, {.batch_size = 0}); }, "expected a batch_size of 1 or more, got 0");
  expect<ValueError>([&] { model.predict(x, {.batch_size = 0}); }, "expected a batch_size of 1 or more, got 0");
  fit({.epochs = -1}, "expected epochs and initial_epoch of 0 or more, got -1 and 0");
  fit({.initial_epoch = -2}, "expected epochs and initial_epoch of 0 or more, got 1 and -2");
  fit({.verbose = 3}, "expected verbose to be 0, 1 or 2, got 3");
  fit({.validation_split = 1.0}, "expected a validation_split from 0 up to, but not including, 1, got 1");
  fit({.validation_split = -0.5}, "expected a validation_split from 0 up to, but not including, 1, got -0.5");
  fit({.validation_split = NAN}, "expected a validation_split from 0 up to, but not including, 1, got nan");
  fit({.validation_split = 0.99},
      "validation_split = 0.99 of 6 samples leaves 0 to train on and 6 to validate on; expected at least one each");
  fit({.validation_batch_size = -1}, "expected a validation_batch_size of 0 or more, got -1");
  fit({.validation_freq = 0}, "expected a validation_freq of 1 or more, got 0");
  fit({.callbacks = {nullptr}}, "expected callbacks, got one that is null");
  expect<ValueError>([&] { model.evaluate(x, y, {.callbacks = {nullptr}}); },
                     "expected callbacks, got one that is null");
  expect<ValueError>([&] { model.predict(x, {.callbacks = {nullptr}}); }, "expected callbacks, got one that is null");
}

TEST_F(BadCall, DataThatDoesNotFit) {
  const FitOptions silent{.verbose = 0};
  expect<ShapeError>(
      [&] {
        model.fit(x, zeros({5, 4, 1}), silent);
      },
      "expected as many targets as samples, got x (6, 4, 2) and y (5, 4, 1)");
  expect<ShapeError>([&] { model.fit(x, Tensor(1.0f), silent); },
                     "expected as many targets as samples, got x (6, 4, 2) and y ()");
  expect<ShapeError>(
      [&] {
        model.fit(x, zeros({6, 3, 1}), silent);
      },
      "expected targets of the output's shape (None, 4, 1), got y (6, 3, 1)");
  expect<ShapeError>(
      [&] {
        model.train_on_batch(x, zeros({6, 4, 2}));
      },
      "expected targets of the output's shape (None, 4, 1), got y (6, 4, 2)");
  expect<ShapeError>(
      [&] {
        model.test_on_batch(x, zeros({7, 4, 1}));
      },
      "expected as many targets as samples, got x (6, 4, 2) and y (7, 4, 1)");
  expect<ShapeError>(
      [&] {
        model.evaluate(x, zeros({6, 2, 1}));
      },
      "expected targets of the output's shape (None, 4, 1), got y (6, 2, 1)");
  for (const Shape& wrong : {Shape{6, 4, 3}, Shape{6, 5, 2}, Shape{6, 4}, Shape{6, 4, 2, 1}}) {
    const std::string text = "expected an input (None, 4, 2), got " + to_string(wrong);
    expect<ShapeError>([&] { model.fit(zeros(wrong), y, silent); }, text);
    expect<ShapeError>([&] { model.predict(zeros(wrong)); }, text);
    expect<ShapeError>([&] { model.evaluate(zeros(wrong), y); }, text);
    expect<ShapeError>([&] { model.predict_on_batch(zeros(wrong)); }, text);
  }
  const std::string none = "expected samples, got x of shape (0, 4, 2)";
  expect<ValueError>([&] { model.fit(zeros({0, 4, 2}), zeros({0, 4, 1}), silent); }, none);
  expect<ValueError>([&] { model.predict(zeros({0, 4, 2})); }, none);
  expect<ValueError>([&] { model.evaluate(zeros({0, 4, 2}), zeros({0, 4, 1})); }, none);
  expect<ValueError>([&] { model.train_on_batch(zeros({0, 4, 2}), zeros({0, 4, 1})); }, none);
  expect<ValueError>([&] { model.predict(Tensor(1.0f)); }, "expected samples, got x of shape ()");

  expect<ShapeError>([&] { model.fit(x, y, {.verbose = 0, .sample_weight = zeros({5})}); },
                     "expected sample_weight of shape (6,) or (6, 4), got (5,)");
  expect<ShapeError>(
      [&] {
        model.train_on_batch(x, y, zeros({6, 3}));
      },
      "expected sample_weight of shape (6,) or (6, 4), got (6, 3)");
  expect<ShapeError>(
      [&] {
        model.fit(x, y, {.verbose = 0, .validation_data = {.x = x, .y = zeros({5, 4, 1})}});
      },
      "expected as many targets as samples, got x (6, 4, 2) and y (5, 4, 1)");
  expect<ShapeError>(
      [&] {
        model.fit(x, y, {.verbose = 0, .validation_data = {.x = zeros({2, 9, 2}), .y = y}});
      },
      "expected an input (None, 4, 2), got (2, 9, 2)");

  // The tensor for the result stays as it was.
  Tensor output = drawn({2, 2}, 3);
  const Tensor before = output;
  expect<ShapeError>([&] { model.predict(zeros({6, 4, 3}), output); }, "expected an input (None, 4, 2), got (6, 4, 3)");
  EXPECT_TRUE(same_bits(output, before));
}

TEST_F(BadCall, NumbersThatAreNone) {
  Tensor bad = x;
  bad.data()[5 * 8 + 3] = NAN;
  expect<ValueError>([&] { model.train_on_batch(bad, y); },
                     "the loss of this batch is NaN; the weights are left as they were");
  expect<ValueError>([&] { model.fit(bad, y, {.batch_size = 100, .verbose = 0}); },
                     "the loss became NaN at batch 0 of epoch 0 (both counted from 0); no step was made for this "
                     "batch");
  Tensor target = y;
  target.data()[0] = NAN;
  expect<ValueError>([&] { model.train_on_batch(x, target); },
                     "the loss of this batch is NaN; the weights are left as they were");
  target.data()[0] = INFINITY;
  expect<ValueError>([&] { model.fit(x, target, {.verbose = 0, .shuffle = false}); },
                     "the loss became infinite at batch 0 of epoch 0 (both counted from 0); no step was made for this "
                     "batch");
}

TEST(BadData, TrainingStopsAtTheBatchWhoseLossIsNaN) {
  const Sequential model{{Input({3}), Dense({.units = 1})}, "model"};
  const Sequential twin{Input({3}), Dense({.units = 1})};
  twin.set_weights(model.get_weights());
  for (const Sequential& one : {model, twin}) one.compile({.optimizer = "adam", .loss = "mse"});
  Tensor x = drawn({10, 3}, 1);
  const Tensor y = drawn({10, 1}, 2);
  const Tensor good = x;
  x.data()[3 * 7] = NAN;  // sample 7, batch 3 of two samples each
  EXPECT_EQ(
      error_of<ValueError>([&] { model.fit(x, y, {.batch_size = 2, .epochs = 3, .verbose = 0, .shuffle = false}); }),
      "[Sequential 'model'] the loss became NaN at batch 3 of epoch 0 (both counted from 0); no step was "
      "made for this batch");
  twin.fit(samples(good, 0, 6), samples(y, 0, 6), {.batch_size = 2, .verbose = 0, .shuffle = false});
  EXPECT_TRUE(same_bits(model.get_weights(), twin.get_weights()));
  EXPECT_EQ(model.optimizer().iterations(), 3);
  EXPECT_NO_THROW(model.fit(good, y, {.verbose = 0}));
}

TEST_F(BadCall, WeightsThatDoNotFit) {
  std::vector<Tensor> weights = model.get_weights();
  for (Tensor& weight : weights) weight.fill(9.0f);
  weights.back() = zeros({2});
  expect<ShapeError>([&] { model.set_weights(weights); }, "expected weight 3 ('bias') of shape (1,), got (2,)");
  weights.pop_back();
  expect<ValueError>([&] { model.set_weights(weights); }, "has 4 weights, got 3");
  expect<ValueError>([&] { model.set_weights({}); }, "has 4 weights, got 0");
}

TEST_F(BadCall, LayersThatDoNotFit) {
  EXPECT_EQ(error_of<ShapeError>([&] { model.add(Conv1D({.filters = 1, .kernel_size = 9, .name = "long"})); }),
            "[Conv1D 'long'] expected an input of 9 steps or more (the kernel's window, with padding \"valid\"), got "
            "(None, 4, 1)");
  expect_unchanged();
  expect<ValueError>([&] { model.add(Dense({.units = 1, .name = model.layers()[0].name()})); },
                     "has two layers of the name '" + model.layers()[0].name() + "'");
  expect<ValueError>([&] { model.add(Input({3}, {.name = "late"})); },
                     "takes an Input as its first item only; 'late' is not the first");
  expect<ValueError>([&] { model.add(model); }, "cannot contain itself");
  const Sequential around({model}, "around");
  expect<ValueError>([&] { model.add(around); }, "stands in another model and cannot be changed any more");
  EXPECT_EQ(error_of<ValueError>([&] { model.get_layer("nope"); }),
            "[Sequential 'model'] has no layer 'nope'; there are " + model.layers()[0].name() + ", " +
                model.layers()[1].name());
  EXPECT_EQ(error_of<ValueError>([&] { model.test_on_batch(x, y)["accuracy"]; }),
            "no score is named 'accuracy'; there are loss, mae");
}

TEST(BadCalls, BeforeCompileOrBuilding) {
  const Sequential model({Input({3}), Dense({.units = 1})}, "model");
  const Tensor x = drawn({4, 3}, 1), y = drawn({4, 1}, 2);
  const std::string text = "[Sequential 'model'] has to be compiled before it is trained or evaluated: call compile";
  EXPECT_EQ(error_of<ValueError>([&] { model.fit(x, y); }), text);
  EXPECT_EQ(error_of<ValueError>([&] { model.evaluate(x, y); }), text);
  EXPECT_EQ(error_of<ValueError>([&] { model.train_on_batch(x, y); }), text);
  EXPECT_EQ(error_of<ValueError>([&] { model.test_on_batch(x, y); }), text);
  EXPECT_EQ(error_of<ValueError>([&] { model.optimizer(); }), "[Sequential 'model'] has no optimizer before compile");
  EXPECT_EQ(error_of<ValueError>([&] { model.compile({.optimizer = "sgd"}); }),
            "[Sequential 'model'] compile needs a loss, such as \"mse\"");
  EXPECT_FALSE(model.compiled());
  EXPECT_EQ(shape(model.predict(x)), Shape({4, 1}));  // needs no compile

  const Sequential unbuilt({Dense({.units = 2, .name = "first"})}, "unbuilt");
  const std::string no_weights =
      "[Sequential 'unbuilt'] has no weights yet: it is built when it is called or when its model has an Input";
  EXPECT_EQ(error_of<ValueError>([&] { unbuilt.get_weights(); }), no_weights);
  EXPECT_EQ(error_of<ValueError>([&] { unbuilt.set_weights({x}); }), no_weights);
  EXPECT_EQ(error_of<ValueError>([&] { unbuilt.count_params(); }), no_weights);
  EXPECT_EQ(error_of<ValueError>([&] { unbuilt.layers()[0].get_weights(); }),
            "[Dense 'first'] has no weights yet: it is built when it is called or when its model has an Input");

  // Nothing is built for data that does not fit together, or before compile.
  EXPECT_NE(error_of<ValueError>([&] { unbuilt.fit(x, y); }), "no error");
  EXPECT_FALSE(unbuilt.built());
  unbuilt.compile({.optimizer = "sgd", .loss = "mse"});
  EXPECT_NE(error_of<ShapeError>([&] { unbuilt.fit(x, zeros({3, 2})); }), "no error");
  EXPECT_NE(error_of<ValueError>([&] { unbuilt.predict(zeros({0, 3})); }), "no error");
  EXPECT_FALSE(unbuilt.built());
  EXPECT_NO_THROW(unbuilt.fit(x, zeros({4, 2}), {.verbose = 0}));
  EXPECT_TRUE(unbuilt.built());
}

TEST(BadCalls, ASequentialThatCannotBe) {
  EXPECT_EQ(error_of<ValueError>([] {
              Sequential({Dense({.units = 1, .name = "a"}), Dense({.units = 1, .name = "a"})}, "s");
            }),
            "[Sequential 's'] has two layers of the name 'a'");
  EXPECT_EQ(error_of<ValueError>([] {
              Sequential({Dense({.units = 1}), Input({3}, {.name = "late"})}, "s");
            }),
            "[Sequential 's'] takes an Input as its first item only; 'late' is not the first");
  EXPECT_EQ(error_of<ValueError>([] {
              Sequential({Input({3}), Input({3}, {.name = "second"})}, "s");
            }),
            "[Sequential 's'] takes an Input as its first item only; 'second' is not the first");
  EXPECT_EQ(error_of<ValueError>([] { Sequential::Item(Dense({.units = 1})(Input({3}))); }),
            "a Sequential takes layers and an Input, not what a layer was called on");
  EXPECT_EQ(error_of<ShapeError>([] {
              Sequential({Input({7, 3}), TokenEmbedding({.c_in = 2, .d_model = 4, .name = "tokens"})});
            }),
            "[TokenEmbedding 'tokens'] expected an input (batch, steps, c_in = 2), got (None, 7, 3)");
}

TEST(BadCalls, AModelWithOneOutputForAllSamplesIsNotTrained) {
  const Sequential model({Input({4, 2}), PositionalEmbedding({.max_len = 9, .d_model = 2, .merge_mode = "none"})}, "p");
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const Tensor x = drawn({3, 4, 2}, 1);
  EXPECT_EQ(shape(model.predict(x)), Shape({1, 4, 2}));
  EXPECT_EQ(shape(model.predict(x, {.batch_size = 2, .callbacks = {std::make_shared<Callback>()}})), Shape({1, 4, 2}));
  EXPECT_EQ(error_of<ShapeError>([&] { model.fit(x, x, {.verbose = 0}); }),
            "[Sequential 'p'] expected an output for each sample to train or evaluate, got one for all: (1, 4, 2)");
}

}  // namespace
}  // namespace xl
