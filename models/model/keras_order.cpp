#include "xlayers/models/model/keras_order.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace xl {

namespace {

// What is made before an operation: what it is made on, and then the masks that it takes.
std::vector<const KerasOperation*> needed(const KerasOperation& operation) {
  std::vector<const KerasOperation*> all;
  for (const KerasOperation::Input& input : operation.inputs) all.push_back(input.operation);
  for (const KerasOperation* mask : operation.given_masks)
    if (mask != nullptr) all.push_back(mask);
  return all;
}

// What `outputs` need, each after those it depends on. Without recursion, so that a graph may be of any depth. Gives `meet` each
// operation as the walk comes to it.
template <class Meet>
std::vector<const KerasOperation*> walk(KerasGraph& graph, const SymbolicTensors& outputs, Meet meet) {
  struct Visit {
    const KerasOperation* operation;
    std::vector<const KerasOperation*> before;
    std::size_t next = 0;
  };
  std::vector<const KerasOperation*> done;
  std::vector<Visit> path;
  std::unordered_set<const KerasOperation*> met;
  const auto visit = [&](const KerasOperation& operation) {
    if (!met.insert(&operation).second) return;
    meet(operation);
    path.push_back({&operation, needed(operation)});
  };
  for (const SymbolicTensor& output : outputs) {
    visit(graph.of(output.node()));
    while (!path.empty()) {
      if (Visit& top = path.back(); top.next < top.before.size()) {
        visit(*top.before[top.next++]);
      } else {
        done.push_back(path.back().operation);
        path.pop_back();
      }
    }
  }
  return done;
}

}  // namespace

KerasOrder keras_order(KerasGraph& graph, const SymbolicTensors& outputs) {
  // A layer has one place for all its calls, an operation on masks its own.
  struct Place {
    std::size_t met = 0;
    int depth = 0;
  };
  std::unordered_map<const void*, Place> places;
  const auto key = [](const KerasOperation& operation) -> const void* {
    return operation.call == nullptr ? static_cast<const void*>(&operation) : operation.call->layer.get();
  };
  const std::vector<const KerasOperation*> all = walk(graph, outputs, [&](const KerasOperation& operation) {
    places.try_emplace(key(operation), Place{places.size()});
  });

  std::unordered_map<const KerasOperation*, int> depths;
  for (auto one = all.rbegin(); one != all.rend(); ++one) {
    int& of_layer = places[key(**one)].depth;
    of_layer = std::max(of_layer, depths[*one]);
    for (const KerasOperation* before : needed(**one)) {
      int& depth = depths[before];
      depth = std::max(depth, of_layer + 1);
    }
  }

  KerasOrder order;
  std::unordered_set<const void*> listed;
  for (const KerasOperation* one : all) {
    if (one->call != nullptr) order.calls.push_back(one->call);
    if (listed.insert(key(*one)).second)
      order.entries.push_back(one->call != nullptr ? KerasOrder::Entry{one->call->layer} : KerasOrder::Entry{{}, one});
  }
  const auto place = [&](const KerasOrder::Entry& entry) {
    return places.at(entry.layer ? static_cast<const void*>(entry.layer.get()) : entry.mask);
  };
  std::sort(order.entries.begin(), order.entries.end(), [&](const auto& a, const auto& b) {
    const Place of_a = place(a), of_b = place(b);
    return of_a.depth != of_b.depth ? of_a.depth > of_b.depth : of_a.met < of_b.met;
  });
  return order;
}

}  // namespace xl
