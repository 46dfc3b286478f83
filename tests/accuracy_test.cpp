// Accuracy in its variants, and the other metrics of probabilities and labels.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "golden.hpp"
#include "xlayers/framework/base/errors.hpp"
#include "xlayers/models/metrics/metrics.hpp"

namespace xl {
namespace {

using namespace testing_golden;
using testing::HasSubstr;

Metric metric_of(const Json& json) {
  Metric metric = "mse";
  from_value(Config{{"class_name", json.at("class_name").get<std::string>()},
                    {"config", Config::from_json(json.at("config").dump())}},
             metric);
  return metric;
}

TEST(Accuracy, AndItsLikeHaveTheResultsOfKeras) {
  ASSERT_GE(golden("losses").at("metrics_of_probabilities").size(), 50u);
  for (const Json& expected : golden("losses").at("metrics_of_probabilities")) {
    SCOPED_TRACE(expected.at("class_name").dump() + expected.at("config").dump());
    const Metric metric = metric_of(expected);
    double total = 0, count = 0;
    for (std::size_t i = 0; i < expected.at("batches").size(); ++i) {
      const Json& batch = expected.at("batches")[i];
      const Tensor target = tensor(batch.at("y_true")), prediction = tensor(batch.at("y_pred"));
      Tensor weight;
      if (batch.contains("sample_weight")) weight = tensor(batch.at("sample_weight"));
      const std::int64_t features = shape(prediction).back(), targets = shape(target).back();
      EXPECT_EQ(metric.target_features(features), targets);
      metric.accumulate({.rows = shape(prediction).elements() / features,
                         .features = features,
                         .target_features = targets,
                         .target = target.data(),
                         .prediction = prediction.data(),
                         .weight = weight.dimension() == 0 ? nullptr : weight.data()},
                        total, count);
      const double value = expected.at("result")[i].get<double>();
      EXPECT_NEAR(metric.result(total, count), value, 1e-6 * std::max(1.0, value));
    }
  }
}

/// The metric of one row.
double of_row(const Metric& metric, const std::vector<float>& target, const std::vector<float>& prediction) {
  double total = 0, count = 0;
  metric.accumulate({.rows = 1,
                     .features = static_cast<std::int64_t>(prediction.size()),
                     .target_features = static_cast<std::int64_t>(target.size()),
                     .target = target.data(),
                     .prediction = prediction.data()},
                    total, count);
  return metric.result(total, count);
}

TEST(Accuracy, BecomesWhatFitsTheShapesAsInKeras) {
  ASSERT_GE(golden("losses").at("accuracies").size(), 16u);
  for (const Json& expected : golden("losses").at("accuracies")) {
    SCOPED_TRACE(expected.dump());
    const auto prediction = expected.at("y_pred").get<std::vector<std::int64_t>>();
    const auto target = expected.at("y_true").get<std::vector<std::int64_t>>();
    const std::string name = expected.at("name").get<std::string>();
    const Metric metric =
        Metric(name).resolved(prediction.back(), target.size() < prediction.size() ? 1 : target.back());
    EXPECT_EQ(metric.class_name(), expected.at("class_name").get<std::string>());
    EXPECT_EQ(metric.name(), name);
    EXPECT_EQ(to_value(metric), Value(name)) << "stored as it was spelled";
  }
  // Before the trainer knows
  EXPECT_EQ(of_row("acc", {1}, {0.7f}), 1);
  EXPECT_EQ(of_row("acc", {1}, {0.1f, 0.7f}), 1);
  EXPECT_EQ(of_row("Accuracy", {1, 0}, {0.1f, 0.7f}), 0);
}

TEST(Accuracy, OfOtherMetricsResolvesToThemselves) {
  EXPECT_STREQ(Metric("mse").resolved(3, 3).class_name(), "MeanSquaredError");
  EXPECT_EQ(error_of<ShapeError>([] { Metric("mse").resolved(3, 1); }),
            "[MeanSquaredError 'mse'] expected targets whose last axis is 3 for predictions with 3, got 1");
}

TEST(Accuracy, TakesTheFirstOfEqualsAndANaNAsTheLargest) {
  const float nan = std::nanf("");
  EXPECT_EQ(of_row("categorical_accuracy", {1, 0, 0}, {0.4f, 0.4f, 0.4f}), 1);
  EXPECT_EQ(of_row("categorical_accuracy", {0, 1, 0}, {0.4f, 0.4f, 0.4f}), 0);
  EXPECT_EQ(of_row("sparse_categorical_accuracy", {1}, {0.1f, 0.5f, 0.5f}), 1);
  EXPECT_EQ(of_row("sparse_categorical_accuracy", {1}, {0.9f, nan, 0.5f}), 1);
  EXPECT_EQ(of_row("categorical_accuracy", {1, 0, 0}, {nan, 0.9f, nan}), 1);
  EXPECT_EQ(of_row("binary_accuracy", {0}, {nan}), 1) << "as in Keras: NaN is not above the threshold";
  EXPECT_EQ(of_row("categorical_accuracy", {1}, {0.2f}), 1) << "one class";
}

TEST(Accuracy, IsNotMetByALabelThatIsNoClass) {
  for (const float label : {-1.0f, 3.0f, 1.5f, 1e30f, std::nanf("")}) {
    EXPECT_EQ(of_row("sparse_categorical_accuracy", {label}, {0.1f, 0.8f, 0.1f}), 0) << label;
    EXPECT_EQ(
        of_row(metrics::SparseTopKCategoricalAccuracy({.k = 1}), {label == 1.5f ? -1.0f : label}, {0.1f, 0.8f, 0.1f}),
        0)
        << label;
  }
}

TEST(Accuracy, OfOneHalfIsBelowTheThreshold) {
  EXPECT_EQ(of_row("binary_accuracy", {0, 1, 1}, {0.5f, 0.5f, 0.7f}), 2.0 / 3);
  EXPECT_EQ(of_row(metrics::BinaryAccuracy({.threshold = 0.4}), {0, 1, 1}, {0.5f, 0.5f, 0.7f}), 2.0 / 3);
  EXPECT_THROW(metrics::TopKCategoricalAccuracy({.k = 0}), ValueError);
  EXPECT_THROW(metrics::SparseTopKCategoricalAccuracy({.k = -1}), ValueError);
}

TEST(Accuracy, IsBetterWhenHigher) {
  for (const char* name : {"accuracy", "binary_accuracy", "top_k_categorical_accuracy"})
    EXPECT_EQ(Metric(name).higher_is_better(), true) << name;
  for (const char* name : {"mse", "rmse", "bce"}) EXPECT_EQ(Metric(name).higher_is_better(), false) << name;
}

TEST(Accuracy, AndItsLikeAreStoredAsKerasStoresThemInEveryFormat) {
  const Json& objects = golden("losses").at("objects");
  for (const Json& object : objects.at("metrics")) {
    SCOPED_TRACE(object.dump());
    Metric metric = "mse";
    from_value(Config::from_json(object.dump()), metric);
    EXPECT_EQ(Json::parse(to_value(metric).to_text()), object);
    for (const Format format : every_format) {
      Metric again = "mse";
      from_value(round_trip(to_value(metric).as_config(), format), again);
      EXPECT_EQ(to_value(again), to_value(metric));
    }
  }
  Metric metric = "mse";
  from_value(Config::from_json(objects.at("metric_function").dump()), metric);
  EXPECT_EQ(to_value(metric), Value("categorical_accuracy"));
}

}  // namespace
}  // namespace xl
