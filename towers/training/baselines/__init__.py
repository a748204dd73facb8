"""What the ranker is compared with in the evaluation; serving uses none of it.

untrained    rankings without training, on the same candidate sources
classical    classical models on the reranker's features
classical_models  scikit-learn's classifiers behind one signature
baskets      every visitor's baskets in the order of their time
tifu_knn     next baskets by TIFU-kNN
up_cf        next baskets by UP-CF
next_basket  rankings of both at moments of a log
lambda_mart  boosted trees on the reranker's lists
rivals       all models of a bundle that score the reranker's candidates
"""
