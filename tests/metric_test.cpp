#include "xlayers/models/metrics/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "xlayers/framework/base/errors.hpp"

namespace xl {
namespace {

using testing::ThrowsMessage;
using Json = nlohmann::json;

const Json& golden() {
  static const Json json = Json::parse(std::ifstream(XLAYERS_GOLDEN_DIR "/losses.json"));
  return json;
}

std::vector<float> data(const Json& tensor) { return tensor.at("data").get<std::vector<float>>(); }

// Two batches, one after the other, against the results that Keras has after each.
TEST(Metric, HasTheResultsOfKeras) {
  ASSERT_GE(golden().at("metrics").size(), 13u);
  for (const auto& [name, expected] : golden().at("metrics").items()) {
    for (const char* key : {"mse", "mae", "rmse", "mape", "msle", "LogCoshError"}) {
      SCOPED_TRACE(name + " " + key);
      const Metric metric = key;
      double total = 0, count = 0;
      for (std::size_t i = 0; i < expected.at("batches").size(); ++i) {
        const Json& batch = expected.at("batches")[i];
        const std::vector<float> target = data(batch.at("y_true"));
        const std::vector<float> prediction = data(batch.at("y_pred"));
        const Json shape = std::max(batch.at("y_true").at("shape"), batch.at("y_pred").at("shape"),
                                    [](const Json& a, const Json& b) { return a.size() < b.size(); });
        const auto features = shape.back().get<std::int64_t>();
        const auto rows = static_cast<std::int64_t>(target.size()) / features;
        // A weight of a sample holds for its steps.
        std::vector<float> weight;
        if (batch.contains("sample_weight")) {
          const std::vector<float> given = data(batch.at("sample_weight"));
          for (std::int64_t row = 0; row < rows; ++row) {
            weight.push_back(given[row * static_cast<std::int64_t>(given.size()) / rows]);
          }
        }
        metric.accumulate({.rows = rows,
                           .features = features,
                           .target = target.data(),
                           .prediction = prediction.data(),
                           .weight = weight.empty() ? nullptr : weight.data()},
                          total, count);
        const double value = expected.at(key)[i].get<double>();
        EXPECT_NEAR(metric.result(total, count), value, 1e-6 * std::max(1.0, value));
      }
    }
  }
}

TEST(Metric, AddsUpPiecesOfABatch) {
  std::vector<float> target(24), prediction(24);
  for (int i = 0; i < 24; ++i) prediction[i] = static_cast<float>(std::sin(i));
  const Metric metric = "rmse";
  double whole = 0, count = 0, pieces = 0, pieces_count = 0;
  metric.accumulate({.rows = 8, .features = 3, .target = target.data(), .prediction = prediction.data()}, whole, count);
  for (const auto& [first, rows] : {std::pair(0, 3), std::pair(3, 4), std::pair(7, 1)}) {
    metric.accumulate(
        {.rows = rows, .features = 3, .target = target.data() + 3 * first, .prediction = prediction.data() + 3 * first},
        pieces, pieces_count);
  }
  EXPECT_EQ(count, 8);
  EXPECT_EQ(pieces_count, 8);
  EXPECT_NEAR(pieces, whole, 1e-12);
}

TEST(Metric, WritesNoGradient) {
  const std::vector<float> target{0, 0}, prediction{1, 2};
  std::vector<float> gradient{7, 7};
  double total = 0, count = 0;
  Metric("mse").accumulate(
      {.rows = 2, .features = 1, .target = target.data(), .prediction = prediction.data(), .gradient = gradient.data()},
      total, count);
  EXPECT_THAT(gradient, testing::ElementsAre(7, 7));
  EXPECT_EQ(total, 5);
}

TEST(Metric, OfNothingIsZero) {
  for (const char* name : {"mse", "mae", "rmse"}) EXPECT_EQ(Metric(name).result(0, 0), 0);
}

TEST(Metric, IsKnownByTheNamesThatKerasHas) {
  const std::set<std::string> here{"MeanSquaredError",
                                   "MeanAbsoluteError",
                                   "MeanAbsolutePercentageError",
                                   "MeanSquaredLogarithmicError",
                                   "RootMeanSquaredError",
                                   "LogCoshError",
                                   "BinaryCrossentropy",
                                   "CategoricalCrossentropy",
                                   "SparseCategoricalCrossentropy",
                                   "KLDivergence",
                                   "Poisson",
                                   "BinaryAccuracy",
                                   "CategoricalAccuracy",
                                   "SparseCategoricalAccuracy",
                                   "TopKCategoricalAccuracy",
                                   "SparseTopKCategoricalAccuracy",
                                   "Accuracy"};
  int known = 0;
  for (const auto& [name, class_name] : golden().at("names").at("metrics").items()) {
    const std::string keras = class_name.get<std::string>();
    if (here.count(keras) == 0) {
      EXPECT_THROW(Metric{name}, ValueError) << name;
      continue;
    }
    ++known;
    const Metric metric = name;
    EXPECT_EQ(metric.class_name(), keras);
    EXPECT_EQ(metric.name(), name) << "the key in a history is the name that was given";
    EXPECT_EQ(to_value(metric), Value(name));
  }
  EXPECT_EQ(known, 44);
  EXPECT_THAT([] { Metric("accuracyy"); },
              ThrowsMessage<ValueError>(testing::AllOf(
                  testing::HasSubstr("unknown metric 'accuracyy'; known are accuracy, acc, MeanSquaredError, "
                                     "mean_squared_error, mse, MSE, MeanAbsoluteError, "),
                  testing::HasSubstr("rmse, RMSE, "), testing::HasSubstr("register_metric"))));
  for (const char* name : {"huber", "", "Rmse"}) EXPECT_THROW(Metric{name}, ValueError) << name;
}

TEST(Metric, IsStoredAsKerasStoresIt) {
  const Json& configs = golden().at("configs");
  EXPECT_EQ(Json::parse(to_value(metrics::MeanSquaredError()).to_text()), configs.at("metric_mse"));
  EXPECT_EQ(Json::parse(to_value(metrics::MeanAbsoluteError()).to_text()), configs.at("metric_mae"));
  EXPECT_EQ(Json::parse(to_value(metrics::RootMeanSquaredError()).to_text()), configs.at("metric_rmse"));
  for (const char* key : {"metric_mse", "metric_mae", "metric_rmse"}) {
    Metric metric = "mse";
    from_value(Config::from_json(configs.at(key).dump()), metric);
    EXPECT_EQ(Json::parse(to_value(metric).to_text()), configs.at(key));
  }
}

// "rmse" is no name of Keras: what is stored must be readable there, under the same key.
TEST(Metric, StoresAShortNameThatKerasLacksAsAnObject) {
  const Value stored = to_value(Metric("rmse"));
  EXPECT_EQ(stored, to_value(metrics::RootMeanSquaredError({.name = "rmse"})));
  Metric again = "mae";
  from_value(stored, again);
  EXPECT_EQ(again.name(), "rmse");
  EXPECT_STREQ(again.class_name(), "RootMeanSquaredError");
}

TEST(Metric, RefusesWhatItCannotRead) {
  Metric kept = "mae";
  const auto object = [](const char* class_name, Config config) {
    return Value(Config{{"class_name", class_name}, {"config", std::move(config)}});
  };
  for (const Value& bad :
       {Value("nothing"), Value(), object("Accuracy", {}), object("MeanSquaredError", {{"threshold", 1.0}}),
        object("MeanSquaredError", {{"dtype", "float64"}})}) {
    EXPECT_THROW(from_value(bad, kept), ValueError) << bad.to_text();
    EXPECT_EQ(to_value(kept), Value("mae"));
  }
}

}  // namespace
}  // namespace xl
