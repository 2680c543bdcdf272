"""A VGG network with batch normalization reaches the edge of stability, too.

Batch normalization is said to smooth the loss. It does take something away: the loss no longer depends on the scale of
the weights w of a convolution that is followed by it. So w·∇L = 0, every step of gradient descent makes w longer, by
η²‖∇L‖² in its square, and the curvature in w goes with 1/‖w‖² (`theory`). Longer weights are a way to become flatter.

Yet the sharpness of the whole loss rises all the same, until it is at 2/η, and hovers there, while the loss goes on
falling. In runs as short as the quick ones the norm of the convolutions grows by a few parts in ten thousand only,
while the sharpness grows three-fold and more: growth of the weights is no match for progressive sharpening here.

The statistics are those of the full batch, in training and in measuring, so that the loss is a fixed function of the
weights. For the same reason it cannot be put together from micro-batches: the activations of all examples have to fit
into the memory at once, at the paper's scale (VGG-11 of width 64, 5,000 images) tens of GB for a gradient, and more
for a Hessian product.

The quick preset learns 60 of scikit-learn's digits, enlarged to 32×32, with a network of width 4, and takes means in
its pooling layers, not maxima: with so few examples the kinks of the maxima are to be seen as jumps of the sharpness.

Measured: with η = 0.2 and 0.3 the sharpness starts at 2.8, crosses 2/η at the steps 48 and 32, and hovers at about
1.05 and 1.08 times 2/η. With η = 0.45 it does from step 8 on, at 1.16; but the loss, near its end, falls over three
windows out of four only.

Sources: Cohen, Kaur, Li, Kolter, Talwalkar 2021, Figure 90; scale: van Laarhoven 2017.
"""
