// LibTorch and doctest in one file: LibTorch defines a CHECK of its own, so doctest comes after it, and that one goes.
#pragma once

#include <torch/torch.h>

#undef CHECK

#include <doctest/doctest.h>
