#pragma once

#include <vector>

#include "xlayers/framework/config/config.hpp"

namespace xl {

/// How Keras nests the inputs or the outputs of a model: one by itself, lists and objects, in each other as one likes. What
/// stands in the nest is null here: `{"trend": null, "rest": [null, null]}`.
///
/// In order, what stands in an object comes as the sorted keys do, whatever order they are written in.
using Nest = Value;

/// What stands in nested lists and objects, in order. Inside an object of tensors or layers (`is_leaf`) nothing is looked for.
std::vector<const Value*> flatten(const Value& nested, bool (*is_leaf)(const Value&));
/// The nest without what stands in it.
Nest nest_of(const Value& nested, bool (*is_leaf)(const Value&));
/// A nest of so many: one by itself, several in a list.
Nest plain_nest(std::size_t count);
/// The inverse of flatten: the nest with `leaves` in it, of which there are as many as it has places.
Value filled(const Nest& nest, std::vector<Value> leaves);
/// For each place in the nest, in order, the key in the object that is the whole nest; empty if it is not an object of places.
std::vector<std::string> keys_of(const Nest& nest);

}  // namespace xl
