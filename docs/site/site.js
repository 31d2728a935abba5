// The pages carry formulas as TeX between these brackets; so do titles in the navigation.
renderMathInElement(document.body, {
  delimiters: [{left: "\\[", right: "\\]", display: true}, {left: "\\(", right: "\\)", display: false}],
  throwOnError: false,
});
