"""How a classification file becomes operations: the parts behind `assets.classifications.parsing`.

Two ways lead to the same result. The *exact* modules follow the rules record by record, and alone write messages. The
vectorised ones (`structure`, `shapes`) take whole blocks of records of which they are sure that nothing is odd, and
hand every other record to the exact way.
"""
