#pragma once
// A program's own layer, of a cake.
struct Layer {
  int height = 3;
};
