#pragma once

#include <concepts>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "xlayers/framework/graph/layer.hpp"
#include "xlayers/layers/input.hpp"
#include "xlayers/models/model/model.hpp"

namespace xl {

/// A model in which each layer takes what the one before it makes.
///
///     xl::Sequential model{
///         xl::Input({100, 1}),
///         xl::Dense({.units = 32, .activation = "relu"}),
///         xl::Dense({.units = 1}),
///     };
///
/// With an Input it is built at once; without, at the first data. As keras.Sequential.
class Sequential : public Model {
 public:
  /// What stands in the list: an Input, or a layer.
  class Item {
   public:
    Item(const SymbolicTensor& input);
    Item(const Layer& layer) : layer_(layer) {}
    const Layer& layer() const { return layer_; }

   private:
    Layer layer_;
  };

  /// Throws ValueError if two layers have the same name or an Input is not the first; ShapeError if a layer does
  /// not fit what comes before it.
  Sequential(std::initializer_list<Item> items, const std::string& name = "");
  explicit Sequential(const std::vector<Item>& items = {}, const std::string& name = "");

  /// Adds a layer at the end. Throws as the constructor, and then nothing is added. The model has to be compiled
  /// again.
  void add(const Item& item) const;

  /// The inverse of get_config. Throws ValueError for an unknown key, class or value.
  static Sequential from_config(const Config& config);

  /// A Sequential from a handle that may be any layer or model. Throws ValueError if it is none. (`Sequential({dense})`, in
  /// braces, is a list of one.)
  template <typename Handle>
  requires std::same_as<Handle, Layer> || std::same_as<Handle, Model>
  explicit Sequential(const Handle& handle) : Model(model_of(handle)) {}

 private:
  static std::shared_ptr<ModelBase> model_of(const Layer& layer);
};

}  // namespace xl
