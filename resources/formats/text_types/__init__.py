"""The typing rule of text formats: when a column of text may become numbers, dates or booleans (R12).

A column gets a type only if **every** value fits it, so that each value can be told from the typed one again:

| type | every value is |
|---|---|
| integer | a canonical integer of 64 bits: `0`, `-7`, `4200`; no leading zero, no plus sign, no `-0` |
| number | a plain decimal with at most 15 significant digits: `1.50`, `-0.003`; a digit on both sides of the point, no leading zero; or the shortest form of a double as programs write it, also with an exponent (`doubles`); held as a double, which gives every digit back |
| decimal | a plain decimal where some value has digits that a double does not give back; all fit `decimal128` (38 digits) |
| boolean | `true` or `false` in one spelling throughout: `true/false`, `True/False` or `TRUE/FALSE` |
| date | `2024-02-29`, years 0001 to 9999; or the `date_format:` given |
| timestamp | `2024-02-29 13:45`, seconds and up to 6 decimals of them optional, `T` for the blank allowed; or the `timestamp_format:` given |
| timestamptz | the same with an offset (`Z`, `+02:00`, `+0200`, `+02`) on every value; held as the instant in UTC |
| text | anything else: identifiers such as `00123`, `NA`, mixtures, and columns without any value |

Significant digits are counted from the first digit that is not zero; trailing zeros count. Empty is null.
Types given in `types:` are read more freely (`given.py`), since there is no guess in them.

Pure functions over Arrow string arrays; which file or line a value came from is the reader's business.
"""
