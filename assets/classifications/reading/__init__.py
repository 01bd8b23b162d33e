"""How a classification file becomes operations: the parts behind `assets.classifications.parsing`.

Two ways lead to the same result. The *exact* modules follow the rules record by record, and alone write messages. The
vectorised ones (`structure`, `json_shape`) take whole blocks of records of which they are sure that nothing is odd, and
hand every other record to the exact way.

`resources.formats` scans bytes too; what asks the same question is shared (the quotes of JSON). Its scanner of delimited
text asks another one: where records end and which quote breaks strict CSV, since pyarrow cuts the fields there. Here the
fields themselves are found, spaces may stand around quotes (C3) and a TSV's quote may be text: one scanner for both would
be longer than the two, so they stay apart.
"""
