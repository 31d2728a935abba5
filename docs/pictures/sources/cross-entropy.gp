set xrange [-5:5]
set xlabel "margin: the right logit less the other one (two classes)"
set yrange [-1.2:5]
set key top right
plot log(1 + exp(-x)) title "loss: log(1 + e^{-margin})" lt 1, \
     -1 / (1 + exp(x)) title "its slope: p - 1, never below -1" lt 2
