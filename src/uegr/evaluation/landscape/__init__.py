"""The loss as a function of the weights and of the inputs: curvature, sharpness, slices, input gradients."""
