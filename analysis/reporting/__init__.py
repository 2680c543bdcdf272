"""What `analysis.report` shows of a study, and how: the same content can be set as a page of the documentation.

content      a study as values: essay, derivation, claims, figure, parameters, command
formulas     a line of mathematics as an essay has it, ½(1 − xy)², as LaTeX
exact        a result as a study's document has it, 2/eta - eta/2, as LaTeX
mathml       LaTeX as MathML
essay        the text of a study as HTML
facts        when and by what a page is made
page         the page, from `templates/`
"""
