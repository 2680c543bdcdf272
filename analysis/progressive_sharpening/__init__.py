"""Progressive sharpening: as long as the sharpness is below 2/η, training makes it rise.

A network is trained with so small a step that gradient descent stays close to the gradient flow. Nothing in the loss
asks for curvature, and yet the sharpness S = λ₁(∇²L), with the top eigenvector u, rises nearly all the way. Along the
flow θ̇ = −∇L first-order perturbation of a simple eigenvalue gives its rate exactly,

    Ṡ = ∇S·θ̇ = −∇³L(u, u, ∇L),

a third derivative of the loss, which is computed here without a tensor of order three. So progressive sharpening means
that the loss has −∇³L(u, u, ∇L) > 0 where training goes. S itself is read from second derivatives alone, so that the
rate, integrated over the time of the run, can be held against the sharpness that was measured.

For the squared error S rises to the end. For the cross-entropy it rises while examples are still being learnt, and
falls once all are: as the margins grow, softmax saturates, and the second derivative of the criterion fades.

The sharpness stays below 2/η all the while, so the loss falls in every step: the descent lemma at work. What happens
where S reaches 2/η is the subject of `analysis.instability` and `analysis.edge_of_stability`.

The quick preset learns scikit-learn's digits, for the cross-entropy with three labels in ten drawn at random: with the
true labels alone this task is so easy that S falls from the start. Source: Cohen, Kaur, Li, Kolter, Talwalkar 2021,
§3.1 and Figure 3; the rate: Damian, Nichani, Lee 2022.
"""
