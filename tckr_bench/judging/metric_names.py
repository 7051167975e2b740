"""Names of the metrics that the judgement rests on."""

ACCURACY, GAP, AUC = "accuracy", "accuracy-gap", "auc-mia"
TPR, AOP = "tpr-at-1-fpr", "aop"
WORST_AUC, WORST_TPR = "worst-auc", "worst-tpr-at-1-fpr"
CORRECTED_AUC = "worst-auc-corrected"
BETWEEN_TRAININGS = {WORST_AUC: "auc-between-trainings", WORST_TPR: "tpr-between-trainings"}
"""How far an attack's AUC or TPR differs between trainings, by what the worst attack reaches in it."""
PROVED, FOUND = "epsilon-accounted", "epsilon-lower"
SHORTFALL = "match-shortfall"
"""How far a matched defence stays below the accuracy it was to reach."""
PUBLISHED = "best-published-auc"
WORST = {AUC: WORST_AUC, TPR: WORST_TPR}
"""What the worst of all attacks on the classifier reaches, by the metric it is the worst in."""
OF_WORST = (WORST_AUC, CORRECTED_AUC, WORST_TPR, AOP)
"""Metrics of the worst attack, whichever it is: a row has one of each."""
