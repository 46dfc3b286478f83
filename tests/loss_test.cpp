#include "xlayers/models/losses/losses.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "xlayers/framework/base/errors.hpp"

namespace xl {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;
using Json = nlohmann::json;

const Json& golden() {
  static const Json json = Json::parse(std::ifstream(XLAYERS_GOLDEN_DIR "/losses.json"));
  return json;
}

std::vector<float> data(const Json& tensor) { return tensor.at("data").get<std::vector<float>>(); }

std::int64_t extent(const Json& tensor, std::size_t axes) {
  std::int64_t product = 1;
  for (std::size_t i = 0; i < axes; ++i) product *= tensor.at("shape")[i].get<std::int64_t>();
  return product;
}

/// Some rows with their weights; expands weights of samples over the steps, as a model does.
struct Batch {
  explicit Batch(const Json& json) : target(data(json.at("y_true"))), prediction(data(json.at("y_pred"))) {
    const Json& wide = json.at("y_true").at("shape").size() >= json.at("y_pred").at("shape").size() ? json.at("y_true")
                                                                                                    : json.at("y_pred");
    const std::size_t rank = wide.at("shape").size();
    rows = rank == 1 ? 1 : extent(wide, rank - 1);
    features = extent(wide, rank) / rows;
    if (!json.contains("sample_weight")) return;
    const std::vector<float> given = data(json.at("sample_weight"));
    for (std::int64_t row = 0; row < rows; ++row) {
      weight.push_back(given[row * given.size() / rows]);
    }
  }

  LossCall call() const {
    return {.rows = rows,
            .features = features,
            .target = target.data(),
            .prediction = prediction.data(),
            .weight = weight.empty() ? nullptr : weight.data()};
  }

  std::vector<float> target, prediction, weight;
  std::int64_t rows, features;
};

Loss loss_of(const std::string& key) { return key == "huber_delta2" ? Loss(Huber({.delta = 2})) : Loss(key); }

TEST(Loss, HasTheValuesAndGradientsOfKeras) {
  ASSERT_GE(golden().at("losses").size(), 14u);
  for (const auto& [name, expected] : golden().at("losses").items()) {
    const Batch batch(expected);
    for (const char* key : {"mse", "mae", "huber", "huber_delta2", "mape", "msle", "log_cosh"}) {
      SCOPED_TRACE(name + " " + key);
      std::vector<float> gradient(batch.target.size(), 99);
      LossCall call = batch.call();
      call.gradient = gradient.data();
      call.scale = 1 / static_cast<double>(batch.rows);
      const double loss = loss_of(key)(call) * call.scale;
      EXPECT_NEAR(loss, expected.at(key).at("loss").get<double>(), 1e-6 * std::max(1.0, loss));
      const std::vector<float> slopes = data(expected.at(key).at("dy_pred"));
      ASSERT_EQ(slopes.size(), gradient.size());
      for (std::size_t i = 0; i < slopes.size(); ++i)
        EXPECT_NEAR(gradient[i], slopes[i], 1e-6 * std::max(1.0f, std::abs(slopes[i]))) << i;
    }
  }
}

TEST(Loss, OfHuberIsWhatKerasGives) {
  const std::vector<float> target(3, 0), prediction{-2, 0.5, 1};
  EXPECT_NEAR(Loss("huber")({.rows = 1, .features = 3, .target = target.data(), .prediction = prediction.data()}),
              0.7083334, 1e-6);
}

std::vector<float> waves(std::size_t size, double frequency) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i)
    values[i] = static_cast<float>(2 * std::sin(frequency * static_cast<double>(i)));
  return values;
}

// Sizes around the width of the vectors, against sums in the order of the formula, in double.
TEST(Loss, SumsRowsOfAnySize) {
  for (const std::int64_t rows : {1, 2, 7, 8, 9, 33}) {
    for (const std::int64_t features : {1, 2, 7, 8, 9, 31}) {
      const auto size = static_cast<std::size_t>(rows * features);
      const std::vector<float> target = waves(size, 0.7), prediction = waves(size, 1.3);
      std::vector<float> weight = waves(static_cast<std::size_t>(rows), 0.4);
      for (const bool weighted : {false, true}) {
        double expected = 0;
        for (std::int64_t row = 0; row < rows; ++row) {
          double mean = 0;
          for (std::int64_t f = row * features; f < (row + 1) * features; ++f) {
            mean += std::pow(static_cast<double>(prediction[f]) - target[f], 2) / static_cast<double>(features);
          }
          expected += (weighted ? weight[row] : 1.0) * mean;
        }
        std::vector<float> gradient(size);
        const double sum = Loss("mse")({.rows = rows,
                                        .features = features,
                                        .target = target.data(),
                                        .prediction = prediction.data(),
                                        .weight = weighted ? weight.data() : nullptr,
                                        .gradient = gradient.data(),
                                        .scale = 3});
        for (std::size_t i = 0; i < size; ++i) {
          const double w = weighted ? weight[i / static_cast<std::size_t>(features)] : 1.0;
          const double slope = 3 * w * 2 * (prediction[i] - target[i]) / static_cast<double>(features);
          EXPECT_NEAR(gradient[i], slope, 1e-5) << rows << " x " << features << " at " << i;
        }
        EXPECT_NEAR(sum, expected, 1e-6 * static_cast<double>(rows)) << rows << " x " << features;
      }
    }
  }
}

TEST(Loss, WritesItsGradientAndNothingBeside) {
  const std::vector<float> target{0, 0}, prediction{1, -3};
  std::vector<float> gradient{7, 7, 7, 7};
  const std::vector<float> weight{2, 0.5};
  Loss("mse")({.rows = 2,
               .features = 1,
               .target = target.data(),
               .prediction = prediction.data(),
               .weight = weight.data(),
               .gradient = gradient.data() + 1,
               .scale = 10});
  EXPECT_THAT(gradient, testing::ElementsAre(7, 40, -30, 7));
}

TEST(Loss, OfNothingIsZero) {
  EXPECT_EQ(Loss("mse")({}), 0);
  EXPECT_EQ(Loss("mae")({.rows = 3, .features = 0}), 0);
}

TEST(Loss, OfANaNIsNaNAndSoIsItsGradient) {
  for (const char* name :
       {"mse", "mae", "huber", "mape", "msle", "log_cosh", "binary_crossentropy", "kl_divergence", "poisson"}) {
    const std::vector<float> target(9, 0.0f);
    std::vector<float> prediction(9, 1.0f), gradient(9);
    prediction[4] = std::nanf("");
    EXPECT_TRUE(std::isnan(Loss(name)({.rows = 9,
                                       .features = 1,
                                       .target = target.data(),
                                       .prediction = prediction.data(),
                                       .gradient = gradient.data()})));
    for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(std::isnan(gradient[i]), i == 4) << name << i;
  }
}

TEST(Loss, IsKnownByTheNamesThatKerasHas) {
  const std::map<std::string, std::string> class_of{
      {"mean_squared_error", "MeanSquaredError"},
      {"mean_absolute_error", "MeanAbsoluteError"},
      {"mean_absolute_percentage_error", "MeanAbsolutePercentageError"},
      {"mean_squared_logarithmic_error", "MeanSquaredLogarithmicError"},
      {"huber", "Huber"},
      {"log_cosh", "LogCosh"},
      {"binary_crossentropy", "BinaryCrossentropy"},
      {"categorical_crossentropy", "CategoricalCrossentropy"},
      {"sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"},
      {"kl_divergence", "KLDivergence"},
      {"poisson", "Poisson"}};
  int known = 0;
  for (const auto& [name, keras] : golden().at("names").at("losses").items()) {
    const std::string function = keras.get<std::string>();
    const auto is_here = [&](const auto& entry) { return entry.first == function || entry.second == function; };
    const auto found = std::find_if(class_of.begin(), class_of.end(), is_here);
    if (found == class_of.end()) {
      EXPECT_THROW(Loss{name}, ValueError) << name;
      continue;
    }
    ++known;
    EXPECT_EQ(Loss(name).class_name(), found->second) << name;
    EXPECT_EQ(to_value(Loss(name)), Value(name)) << "stored as it was spelled";
  }
  EXPECT_EQ(known, 34);
  EXPECT_EQ(Loss("mse").name(), "mean_squared_error");
  EXPECT_EQ(Loss("huber").name(), "huber");
  EXPECT_EQ(Loss("Huber").name(), "huber_loss");
  EXPECT_THAT([] { Loss("msee"); },
              ThrowsMessage<ValueError>(
                  AllOf(HasSubstr("unknown loss 'msee'; known are MeanSquaredError, mean_squared_error, mse, MSE, "
                                  "MeanAbsoluteError, mean_absolute_error, mae, MAE, "),
                        HasSubstr("Huber, huber, "), HasSubstr("register_loss"))));
  for (const char* name : {"Mse", "rmse", "", "HUBER", "cce", "logcosh"}) EXPECT_THROW(Loss{name}, ValueError) << name;
}

TEST(Loss, IsStoredAsKerasStoresIt) {
  const Json& configs = golden().at("configs");
  EXPECT_EQ(Json::parse(to_value(MeanSquaredError()).to_text()), configs.at("mse"));
  EXPECT_EQ(Json::parse(to_value(MeanAbsoluteError()).to_text()), configs.at("mae"));
  EXPECT_EQ(Json::parse(to_value(Huber()).to_text()), configs.at("huber"));
  for (const char* key : {"mse", "mae", "huber"}) {
    Loss loss = "mse";
    from_value(Config::from_json(configs.at(key).dump()), loss);
    EXPECT_EQ(Json::parse(to_value(loss).to_text()), configs.at(key));
  }
}

TEST(Loss, KeepsItsDelta) {
  Loss loss = "mse";
  from_value(to_value(Huber({.delta = 2.5, .name = "mine"})), loss);
  EXPECT_EQ(to_value(loss), to_value(Huber({.delta = 2.5, .name = "mine"})));
  EXPECT_EQ(loss.name(), "mine");
  const float target = 0, prediction = 10;
  const LossCall call{.rows = 1, .features = 1, .target = &target, .prediction = &prediction};
  EXPECT_FLOAT_EQ(loss(call), 2.5 * 10 - 0.5 * 2.5 * 2.5);
}

TEST(Loss, RefusesWhatItCannotRead) {
  Loss kept = "mae";
  const auto object = [](const char* class_name, Config config) {
    return Value(Config{{"class_name", class_name}, {"config", std::move(config)}});
  };
  for (const Value& bad :
       {Value("nothing"), Value(), Value(1), object("Hinge", {}), object("MeanSquaredError", {{"delta", 1.0}}),
        object("MeanSquaredError", {{"reduction", "sum"}}), object("Huber", {{"delta", -1.0}}),
        object("Huber", {{"delta", "big"}})}) {
    EXPECT_THROW(from_value(bad, kept), ValueError) << bad.to_text();
    EXPECT_EQ(to_value(kept), Value("mae"));
  }
  EXPECT_THAT(
      [&] {
        from_value(object("MeanSquaredError", {{"reduction", "sum"}}), kept);
      },
      ThrowsMessage<ValueError>(HasSubstr("only \"sum_over_batch_size\" is supported")));
  for (const double delta : {0.0, -1.0, std::nan(""), 1e300}) {
    EXPECT_THROW(Huber({.delta = delta}), ValueError) << delta;
  }
}

}  // namespace
}  // namespace xl
