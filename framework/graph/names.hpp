#pragma once

#include <string>
#include <string_view>

namespace xl {

class LayerBase;

/// `name`, or if it is empty the snake-case name of the class with a number, as Keras counts: dense, dense_1.
std::string unique_name(const std::string& name, std::string_view class_name);
/// "TokenEmbedding" -> "token_embedding", by Keras' rule.
std::string snake_case(std::string_view class_name);
/// Starts to count names from the beginning, as keras.utils.clear_session.
void clear_session();

/// While one of these lives, this thread's new layers without a name are called by their class alone, and are not counted:
/// what is made while a layer is looked at is no layer of a model.
class WithoutCounting {
 public:
  WithoutCounting();
  ~WithoutCounting();
  WithoutCounting(const WithoutCounting&) = delete;
  WithoutCounting& operator=(const WithoutCounting&) = delete;

 private:
  bool before_;
};

/// Gives a new layer its name, or a unique one if it is empty.
void name_layer(LayerBase& layer, const std::string& name, bool trainable);

}  // namespace xl
